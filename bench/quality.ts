import { join } from "node:path";
import type { Bench, Measurement } from "./measurement.ts";
import { runTimed } from "./timed-process.ts";

const METRICS = ["accuracy", "macro F1"] as const;

/** How good the example's model is beside the most frequent label and a bag of words: what bag-of-words.ts measures. */
export async function measureQuality({ project, say }: Bench): Promise<readonly Measurement[]> {
  say("the example's model beside simpler ones; trains it first where that was not done yet");
  const script = join(project, "bench/bag-of-words.ts");
  const { stdout } = await runTimed([process.execPath, "--import", "tsx", script], {
    cwd: project,
  });
  const metricOf = (model: string, metric: string) => {
    const found = new RegExp(`^${model}\\s.*?${metric} ([\\d.]+)`, "m").exec(stdout);
    if (found === null) throw new Error(`bag-of-words.ts printed no ${metric}:\n${stdout}`);
    return Number(found[1]);
  };
  return ["majority class", "bag of words"].flatMap((name) =>
    METRICS.map((metric): Measurement => {
      const [ours, theirs] = [metricOf("model", metric), metricOf(name, metric)];
      const what = `the example's test ${metric}`;
      return {
        what,
        ours: { value: ours, unit: "" },
        peer: { name, value: theirs, unit: "" },
        goal: { text: "more", isReached: ours > theirs },
      };
    }),
  );
}
