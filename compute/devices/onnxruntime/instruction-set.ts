import { readFileSync } from "node:fs";

/**
 * The widest vector instructions of this processor, by which numeric kernels are chosen: `avx512`, `avx2`,
 * `avx`, `neon`; `unknown` where the system does not tell.
 */
export function instructionSet(): string {
  if (process.arch === "arm64") return "neon";
  const flags = cpuFlags();
  if (flags.has("avx512f")) return "avx512";
  return ["avx2", "avx"].find((flag) => flags.has(flag)) ?? "unknown";
}

function cpuFlags(): ReadonlySet<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"));
    return new Set(line?.[1]?.split(" "));
  } catch {
    return new Set();
  }
}
