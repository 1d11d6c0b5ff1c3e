import { Option } from "commander";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import type { CliContext } from "./context.ts";

/** `--device`, which commands take that compute, or that foretell what a run would compute. */
export function deviceOption(): Option {
  const kinds = ["auto", ...Object.keys(deviceKinds)];
  return new Option(
    "--device <kind>",
    `${kinds.join(", ")}; webgpu:1 is adapter 1 of doctor's list (default: TUNESMITH_DEVICE, else auto)`,
  );
}

/** The device of the flag, else of `TUNESMITH_DEVICE`, else `auto`. */
export function requestedDevice(
  { environment }: Pick<CliContext, "environment">,
  flag: string | undefined,
): string {
  return flag ?? (environment.TUNESMITH_DEVICE || "auto");
}
