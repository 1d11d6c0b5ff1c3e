import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The folder in which onnxruntime-node keeps its libraries for this platform. */
export function runtimeFolder(): string {
  const main = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(main), "..", "bin/napi-v6", process.platform, process.arch);
}

/** ONNX Runtime itself, the library that onnxruntime-node's binding loads as well. Linux. */
export function runtimeLibrary(): string {
  return join(runtimeFolder(), "libonnxruntime.so.1");
}
