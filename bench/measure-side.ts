import { cpus } from "node:os";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import { type ConfigName, type StepsOptions, startOf, trainSteps } from "./bert-steps.ts";
import { medianOf } from "./measurement.ts";
import { startTorch } from "./torch-steps.ts";
import { watchGpu } from "./watch-gpu.ts";

/** What one side needed. */
export interface Side {
  readonly secondsAStep: number;
  /** Of all the machine's cores, 1 is all of their time. */
  readonly processor: number;
  /** Of the graphics device, as its driver tells; undefined where there is none. */
  readonly gpu?: number | undefined;
}

/** What is trained, and with what. */
export interface SideOptions extends Omit<StepsOptions, "warm"> {
  readonly model: ConfigName;
  readonly threads: number;
  /** A Python that has PyTorch. */
  readonly python: string;
}

/** Measures `cpu`, another kind of device, or `torch:cuda`; else one line why it could not. To be called in a process of its own. */
export async function measureSide(side: string, options: SideOptions): Promise<Side | string> {
  const [kind, torchDevice] = side.split(":") as [string, string | undefined];
  try {
    return await (torchDevice === undefined
      ? measureDevice(kind, options)
      : measureTorch(torchDevice, options));
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    const [line] = message.split("\n");
    return hint === undefined ? line! : `${line} (${hint})`;
  }
}

async function measureDevice(kind: string, { model, threads, ...options }: SideOptions) {
  const start = startOf(model);
  const { adapter, open } = deviceKinds[kind]!;
  const device = await open({ threads, ...adapter?.().options });
  let watch: ReturnType<typeof startWatch> | undefined;
  const warm = () => {
    watch = startWatch();
  };
  const seconds = await trainSteps(start, device, { ...options, warm });
  return watch!(seconds);
}

async function measureTorch(device: string, { model, steps, python, ...options }: SideOptions) {
  const peer = await startTorch(python, model, { ...options, device });
  if (peer === undefined) return `PyTorch has no ${device} here`;
  await peer(2); // warms it up
  const watch = startWatch();
  return watch(await peer(steps));
}

/** Watches the machine until the seconds of all steps are known. */
function startWatch(): (seconds: readonly number[]) => Promise<Side> {
  const [gpu, before] = [watchGpu(), coreTimes()];
  return async (seconds) => {
    const after = coreTimes();
    return {
      secondsAStep: medianOf(seconds),
      processor: (after.busy - before.busy) / (after.all - before.all),
      gpu: await gpu.stop(),
    };
  };
}

/** Milliseconds of all cores since the machine started. */
function coreTimes(): { readonly busy: number; readonly all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const sum = Object.values(times).reduce((a, b) => a + b);
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}
