import { spawn } from "node:child_process";

/** Watches how busy the graphics devices are: NVIDIA's by nvidia-smi, AMD's by what Linux shows of them. */
export interface GpuWatch {
  /** Ends the watch; the mean share of time in which the busiest device computed, or undefined where nobody tells. */
  stop(): Promise<number | undefined>;
}

/** Each sample is a program of its own: what one that loops holds back in its buffer would be lost with it. */
const LOOP = `while :; do
  nvidia-smi --query-gpu=index,utilization.gpu --format=csv,noheader,nounits
  for file in "$1"/card[0-9]*/device/gpu_busy_percent; do read percent < "$file" && echo "$file, $percent"; done
  sleep 0.2
done`;

/** Asks until it is stopped, in another process: this one's thread is busy computing. */
export function watchGpu({
  environment = process.env,
  devices = "/sys/class/drm",
}: {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly devices?: string;
} = {}): GpuWatch {
  const child = spawn("sh", ["-c", LOOP, "sh", devices], {
    env: environment,
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
      return busiestOf(text);
    },
  };
}

/** Of lines such as `0, 97`, a device and its percent; others (`1, [N/A]`) tell nothing. */
export function busiestOf(lines: string): number | undefined {
  const shares = new Map<string, number[]>();
  for (const [, device, percent] of lines.matchAll(/^(\S+), (\d+)$/gm))
    shares.set(device!, [...(shares.get(device!) ?? []), Number(percent)]);
  const means = [...shares.values()].map((all) => all.reduce((a, b) => a + b) / all.length);
  return means.length === 0 ? undefined : Math.max(...means) / 100;
}
