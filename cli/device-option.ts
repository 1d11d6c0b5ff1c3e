import { Option } from "commander";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import type { Problem } from "../engine/diagnostic.ts";
import { failure, type Result } from "../engine/result.ts";
import type { CliContext } from "./context.ts";
import { type MachineFacts, machineFacts } from "./machine-facts.ts";

/** `--device`, which commands take that compute, or that foretell what a run would compute. */
export function deviceOption(): Option {
  const kinds = ["auto", ...Object.keys(deviceKinds)];
  return new Option(
    "--device <kind>",
    `${kinds.join(", ")}; webgpu:1 is adapter 1 of doctor's list (default: TUNESMITH_DEVICE, else auto)`,
  );
}

/** This machine with the device of the flag, else of `TUNESMITH_DEVICE`, which a problem then names; else `auto`. */
export function requestedMachine(
  { environment }: Pick<CliContext, "environment">,
  flag: string | undefined,
): Result<MachineFacts, Problem> {
  const variable = environment.TUNESMITH_DEVICE;
  const machine = machineFacts(flag ?? (variable || "auto"));
  if (machine.ok || flag !== undefined || !variable) return machine;
  const { message, ...problem } = machine.error;
  return failure({ ...problem, message: `TUNESMITH_DEVICE=${variable}: ${message}` });
}
