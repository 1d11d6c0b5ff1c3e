import { availableParallelism } from "node:os";
import { DeviceError } from "../../compute/device-error.ts";
import { installedVersion } from "../../compute/devices/installed-version.ts";
import { formatCount } from "../text/format-quantity.ts";
import { addOn, examineDevice } from "./examine-device.ts";
import type { Finding } from "./finding.ts";

/** Whether this machine computes: a small graph is run on the processor. */
export async function examineProcessor(): Promise<Finding> {
  const name = "cpu";
  const threads = availableParallelism();
  const { openOnnxruntimeDevice } = await import("../../compute/devices/onnxruntime.ts");
  try {
    const device = await openOnnxruntimeDevice({ threads });
    const sum = await addOn(device);
    if (sum !== 5) return { name, state: "failed", detail: `computes 2 + 3 = ${sum}` };
    const detail = `${device.facts.runtime} computes, with ${formatCount(threads, "thread")}`;
    return { name, state: "ok", detail };
  } catch (error) {
    const { message } = error as Error;
    const hint =
      error instanceof DeviceError ? error.hint : "install tunesmith again on this machine: npm ci";
    return { name, state: "failed", detail: message, hint };
  }
}

const ONLY_CPU = "this version of tunesmith computes on the CPU";

/** What there is beside the processor. */
export async function examineAccelerators(): Promise<readonly Finding[]> {
  const bundled = await bundledBackends();
  const inRuntime = ["webgpu", "cuda"].map((name): Finding => {
    const has = bundled.has(name);
    const found = has ? "is part of" : "is not part of";
    const detail = `${found} the installed onnxruntime-node; ${ONLY_CPU}`;
    return { name, state: has ? "note" : "absent", detail };
  });
  return [...inRuntime, await examineDevice("tfjs-node-gpu")];
}

/** Names of the execution providers in the installed runtime; none where it cannot be loaded. */
async function bundledBackends(): Promise<ReadonlySet<string>> {
  try {
    const { listSupportedBackends } = await import("onnxruntime-node");
    const bundled = listSupportedBackends().filter((backend) => backend.bundled);
    return new Set(bundled.map((backend) => backend.name));
  } catch {
    // That it cannot be loaded is what examineProcessor says.
    return new Set();
  }
}

/** The tokenizers' library. */
export async function examineTokenizers(): Promise<Finding> {
  const name = "tokenizers";
  try {
    await import("@huggingface/tokenizers");
    const version = installedVersion("@huggingface/tokenizers") ?? "unknown version";
    return { name, state: "ok", detail: `@huggingface/tokenizers ${version}` };
  } catch (error) {
    const hint = "install tunesmith again: npm ci";
    return { name, state: "failed", detail: (error as Error).message, hint };
  }
}
