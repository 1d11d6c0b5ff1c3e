import type { Device } from "../compute/device.ts";
import { productType } from "./product-type.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { TrainingError } from "./training-error.ts";

/** Throws a TrainingError, with the reason, where the device does not compute in what `mixed_precision` asks for. */
export async function refusePrecision(device: Device, given: TrainingArguments): Promise<void> {
  const type = productType(given);
  if (type === undefined) return;
  const reason =
    device.lacksPrecision === undefined
      ? "it computes in float32 alone"
      : await device.lacksPrecision(type);
  if (reason === undefined) return;
  throw new TrainingError(
    "precision-not-supported",
    `The device "${device.facts.kind}" cannot train with mixed_precision: ${given.mixed_precision}: ${reason}.`,
    "leave mixed_precision out, or run on a graphics device that has it (--device cuda, for fp16 also webgpu)",
  );
}
