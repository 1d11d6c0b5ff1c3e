import { join } from "node:path";
import type { Bench, Measurement } from "./measurement.ts";
import { runTimed } from "./timed-process.ts";

/** Full rows, where the design's goal is, and rows as short as the example's. */
const LENGTHS = [128, 16] as const;

/** A training step of a 6-layer BERT beside eager PyTorch: what training-step.ts measures, in processes of its own. */
export async function measureSteps(bench: Bench): Promise<readonly Measurement[]> {
  const { project, threads, say } = bench;
  const measurements: Measurement[] = [];
  for (const length of LENGTHS) {
    say(`training steps of 16 x ${length} tokens`);
    const script = join(project, "bench/training-step.ts");
    const options = ["--length", `${length}`, "--threads", `${threads}`];
    const command = [process.execPath, "--import", "tsx", script, ...options] as const;
    const { stdout } = await runTimed(command, { cwd: project });
    measurements.push(measurementOf(length, stdout));
  }
  return measurements;
}

function measurementOf(length: number, text: string): Measurement {
  const secondsOf = (name: string) => {
    const found = new RegExp(`^${name}\\s+([\\d.]+) s a step`, "m").exec(text);
    return found === null ? undefined : Number(found[1]);
  };
  const [ours, theirs] = [secondsOf("tunesmith"), secondsOf("PyTorch eager")];
  if (ours === undefined) throw new Error(`training-step.ts printed no time:\n${text}`);
  const row: Measurement = {
    what: `training step, 16 x ${length}`,
    ours: { value: ours * 1000, unit: "ms" },
  };
  if (theirs === undefined) return row;
  const peer = { name: "PyTorch eager", value: theirs * 1000, unit: "ms" } as const;
  const goal = { text: "at least 1.2x as fast", isReached: theirs / ours >= 1.2 };
  return { ...row, peer, ...(length === 128 ? { goal } : {}) };
}
