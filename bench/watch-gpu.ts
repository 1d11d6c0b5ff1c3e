import { spawn } from "node:child_process";

/** Watches how busy NVIDIA's devices are. */
export interface GpuWatch {
  /** Ends the watch; the mean share of time in which the busiest device computed, or undefined where none is. */
  stop(): Promise<number | undefined>;
}

const EVERY_MS = 200;

/** Asks NVIDIA's driver until it is stopped; where it is not there, that is no error. */
export function watchGpu(): GpuWatch {
  const query = ["--query-gpu=index,utilization.gpu", "--format=csv,noheader,nounits"];
  const child = spawn("nvidia-smi", [...query, `-lms=${EVERY_MS}`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const ended = new Promise<void>((resolve) => {
    child.on("error", () => resolve()).on("close", () => resolve());
  });
  return {
    async stop() {
      child.kill();
      await ended;
      return busiest(text);
    },
  };
}

function busiest(text: string): number | undefined {
  const shares = new Map<string, number[]>();
  for (const [, index, percent] of text.matchAll(/^(\d+), (\d+)$/gm))
    shares.set(index!, [...(shares.get(index!) ?? []), Number(percent) / 100]);
  const means = [...shares.values()].map((all) => all.reduce((a, b) => a + b) / all.length);
  return means.length === 0 ? undefined : Math.max(...means);
}
