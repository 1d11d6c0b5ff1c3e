import type { Device } from "../compute/device.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { TrainingError } from "./training-error.ts";

/** Throws a TrainingError, with the reason, where the device does not compute in what `mixed_precision` asks for. */
export async function refusePrecision(
  device: Device,
  { mixed_precision: asked }: TrainingArguments,
): Promise<void> {
  const reason = asked === "no" ? undefined : await reasonAgainst(asked, device);
  if (reason === undefined) return;
  throw new TrainingError(
    "precision-not-supported",
    `The device "${device.facts.kind}" cannot train with mixed_precision: ${asked}: ${reason}.`,
    "leave mixed_precision out, or set fp16 and run on a graphics device that has it (--device webgpu or cuda)",
  );
}

async function reasonAgainst(asked: "fp16" | "bf16", device: Device): Promise<string | undefined> {
  if (asked === "bf16") return "no device has products in bfloat16 yet";
  if (device.lacksFloat16 === undefined) return "it computes in float32 alone";
  return device.lacksFloat16();
}
