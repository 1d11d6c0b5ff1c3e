import type { ArtifactReader, ArtifactType } from "../../engine/artifact.ts";
import type { ClassMetrics } from "../../training/metrics.ts";
import type { NumberMetrics } from "../../training/regression-metrics.ts";
import { formatJsonLines, splitLines } from "./lines.ts";
import { malformed } from "./malformed.ts";

/** What a classifier gave for one row. */
export interface Prediction {
  readonly id: string;
  readonly label: string;
  readonly prediction: string;
  /** The probability of each label, in the order of the report's labels. */
  readonly scores: readonly number[];
}

/** What a tagger gave for one row. */
export interface TagPrediction {
  readonly id: string;
  /** Of each word. */
  readonly tags: readonly string[];
  readonly predictions: readonly string[];
}

/** What a classifier of any number of labels gave for one row. */
export interface LabelSetPrediction {
  readonly id: string;
  readonly labels: readonly string[];
  readonly predictions: readonly string[];
  /** The probability of each label by itself, in the order of the report's labels. */
  readonly scores: readonly number[];
}

/** What a model of numbers gave for one row. */
export interface NumberPrediction {
  readonly id: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly predictions: Readonly<Record<string, number>>;
}

/** What a model wrote for one row, beside what was to be written. */
export interface WrittenPrediction {
  readonly id: string;
  readonly reference: string;
  readonly prediction: string;
}

/** What was answered to one question. */
export interface AnswerPrediction {
  readonly id: string;
  /** Each right. */
  readonly answers: readonly string[];
  /** Empty: no answer. */
  readonly prediction: string;
  /** The probability of the answer among those that were kept. */
  readonly score: number;
}

/** A model's results on a dataset. */
export interface Metrics {
  /** Numbers by name: loss, accuracy, macro_f1, … */
  readonly metrics: Readonly<Record<string, number>>;
  readonly report: {
    /** The split that was evaluated. */
    readonly split: string;
    readonly labels: readonly string[];
    /** In the order of `labels`; of a tagger of entities, each type of entity. */
    readonly classes: readonly ClassMetrics[];
    /** Rows, or words, by true label, then by predicted one, in the order of `labels`. */
    readonly confusion: readonly (readonly number[])[];
    /** Of a model of numbers: how near each comes. */
    readonly numbers?: Readonly<Record<string, NumberMetrics>>;
  };
  readonly predictions:
    | readonly Prediction[]
    | readonly TagPrediction[]
    | readonly LabelSetPrediction[]
    | readonly NumberPrediction[]
    | readonly WrittenPrediction[]
    | readonly AnswerPrediction[];
}

/** metrics.json (flat numbers), report.json (per class, confusion matrix), predictions.jsonl (one row a line). */
export const metrics: ArtifactType<Metrics> = {
  name: "metrics",
  format: 1,
  async write({ metrics, report, predictions }, files) {
    await files.write("metrics.json", `${JSON.stringify(metrics, null, 2)}\n`);
    await files.write("report.json", `${JSON.stringify(report, null, 2)}\n`);
    await files.write("predictions.jsonl", formatJsonLines(predictions));
  },
  async read(files) {
    const metrics = await readJson<Metrics["metrics"]>(files, "metrics.json");
    const report = await readJson<Metrics["report"]>(files, "report.json");
    const predictions: never[] = []; // all of one kind, whichever
    for await (const lines of splitLines(files.stream("predictions.jsonl")))
      for (const { bytes } of lines)
        predictions.push(parse(Buffer.from(bytes).toString(), "predictions.jsonl"));
    return { metrics, report, predictions };
  },
};

async function readJson<T>(files: ArtifactReader, path: string): Promise<T> {
  return parse(await files.readText(path), path);
}

function parse<T>(text: string, path: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed("metrics", path, "is not JSON");
    throw error;
  }
}
