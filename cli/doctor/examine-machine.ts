import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { instructionSet } from "../../compute/devices/onnxruntime/instruction-set.ts";
import { formatBytes, formatCount } from "../text/format-quantity.ts";
import type { Finding } from "./finding.ts";

const OLDEST_NODE = [20, 19] as const;
const OLDEST_KEPT_NODE = 22;

/** The version of Node: whether tunesmith runs on it, and whether it still gets fixes. */
export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const isTooOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  const node = { name: "node", detail: version };
  if (isTooOld)
    return {
      ...node,
      state: "failed",
      hint: `tunesmith needs Node ${OLDEST_NODE.join(".")} or newer`,
    };
  if (major >= OLDEST_KEPT_NODE) return { ...node, state: "ok" };
  const hint = `Node ${major} is past its end of life and gets no security fixes: 22 and 24 do`;
  return { ...node, state: "note", hint };
}

/** Processor and memory. */
export function examineMachine(): Finding {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const cores = formatCount(availableParallelism(), "core");
  const memory = `${formatBytes(totalmem())} of memory, ${formatBytes(freemem())} free`;
  const platform = `${process.platform}-${process.arch}`;
  const detail = `${platform}, ${model}, ${cores}, ${instructionSet()}, ${memory}`;
  return { name: "machine", state: "ok", detail };
}
