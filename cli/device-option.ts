import { Option } from "commander";
import { deviceKinds } from "../compute/devices/device-kinds.ts";

/** `--device`, which commands that compute take. */
export function deviceOption(): Option {
  const kinds = ["auto", ...Object.keys(deviceKinds)];
  return new Option("--device <kind>", kinds.join(", ")).default("auto");
}
