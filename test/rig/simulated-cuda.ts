import { readdirSync } from "node:fs";
import { join } from "node:path";

/** What CUDA was asked for, as test/rig/simulate-cuda.c counts it; bytes, but for `launches`. */
const counters = ["toDevice", "toHost", "held", "launches", "misdirected"] as const;
export type CudaCounts = Readonly<Record<(typeof counters)[number], number>>;

/** CUDA's libraries without a device, in this process. */
export interface SimulatedCuda {
  /** Of all that was done so far. */
  counts(): CudaCounts;
  /** From now on the call with this number, from 1, of one of CUDA's functions gives an error; with 0 every call. */
  failAt(functionName: string, call: number, error: number): void;
}

/** What a skipped test says. */
export const howToSimulateCuda =
  "CUDA is not simulated; sh test/rig/simulate-cuda.sh says how, TUNESMITH_TEST_CUDA_SIMULATED=FOLDER where it is";

/** koffi closes a library when its object is collected. */
const loaded: unknown[] = [];

/** The libraries that test/rig/simulate-cuda.sh made, loaded and on this process's paths; undefined where there are none. */
export async function loadSimulatedCuda(): Promise<SimulatedCuda | undefined> {
  const folder = process.env.TUNESMITH_TEST_CUDA_SIMULATED;
  if (folder === undefined) return undefined;
  const { default: koffi } = await import("koffi");
  process.env.PATH = `${folder}:${process.env.PATH}`;
  process.env.LD_LIBRARY_PATH = folder; // of programs that are asked; this one's loader takes what is loaded
  const runtime = koffi.load(join(folder, "libcudart.so.13"));
  loaded.push(runtime);
  for (const name of readdirSync(folder))
    if (/^libcu.*\.so\.\d+$/.test(name)) loaded.push(koffi.load(join(folder, name)));
  const count = runtime.func("int64_t simulatedCudaCount(const char *)");
  return {
    counts: () =>
      Object.fromEntries(counters.map((name) => [name, Number(count(name))])) as CudaCounts,
    failAt: runtime.func("void simulatedCudaFail(const char *, int, int)"),
  };
}
