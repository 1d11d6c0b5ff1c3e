import { stringify } from "yaml";
import type { Metrics } from "../artifacts/metrics.ts";
import type { TrainingFacts } from "../artifacts/model.ts";
import type { Learning } from "../trained-tasks.ts";
import type { SaveParams } from "./save.ts";
import { taskCards } from "./task-card.ts";

/** What a card tells of. */
export interface CardFacts {
  readonly learning: Learning;
  readonly params: SaveParams;
  readonly labels: readonly string[];
  /** `model_type` in config.json. */
  readonly modelType: string;
  readonly parameters: number;
  /** The longest text in tokens. */
  readonly maxLength: number;
  /** Absent for a model that fine-tune did not make. */
  readonly training?: TrainingFacts;
  readonly results?: Metrics;
}

/**
 * The model card, README.md: metadata as the Hugging Face Hub reads it, then intended use, data, procedure, results
 * and limits. https://huggingface.co/docs/hub/model-cards
 */
export function formatModelCard(facts: CardFacts): string {
  const sections = [
    introduction(facts),
    intendedUse(facts),
    trainingData(facts),
    procedure(facts),
    results(facts),
    limits(facts),
    ethics(facts),
  ];
  return `---\n${stringify(metadata(facts), { lineWidth: 0 })}---\n\n${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

function metadata({ learning, params, results }: CardFacts): object {
  const { pipelineTag, scores } = taskCards[learning];
  const { license, language, tags = [], base_model } = params;
  return {
    ...(language !== undefined && { language }),
    ...(license !== undefined && { license }),
    ...(base_model !== undefined && { base_model }),
    library_name: "transformers",
    pipeline_tag: pipelineTag,
    tags: [...new Set([pipelineTag, "transformers.js", "onnx", "tunesmith", ...tags])],
    metrics: [...new Set(scores.map(([type]) => type).filter((type) => type !== "loss"))],
    ...(results && { "model-index": [modelIndex(learning, params, results)] }),
  };
}

function modelIndex(learning: Learning, params: SaveParams, { metrics, report }: Metrics): object {
  const { pipelineTag, title, scores } = taskCards[learning];
  const dataset = params.dataset ?? "the dataset of the pipeline";
  return {
    name: params.name ?? slug(title),
    results: [
      {
        task: { type: pipelineTag, name: sentence(pipelineTag) },
        dataset: { type: slug(dataset), name: dataset, split: report.split },
        metrics: scores.flatMap(([type, name, metric]) =>
          metrics[metric] === undefined ? [] : [{ type, name, value: rounded(metrics[metric]) }],
        ),
      },
    ],
  };
}

function introduction({ learning, params, labels, modelType, parameters }: CardFacts): string {
  const { title, gives } = taskCards[learning];
  const what = `A ${modelType} model with ${thousands(parameters)} parameters that ${gives(labels.length)}. It was made with Tunesmith.`;
  return [`# ${params.name ?? title}`, params.description ?? "", what]
    .filter((text) => text !== "")
    .join("\n\n");
}

function intendedUse({ learning, labels, maxLength }: CardFacts): string {
  const names = labels.map((label) => `\`${label}\``).join(", ");
  const known = labels.length > 0 ? ` The labels:\n${names}.` : "";
  const { pipelineTag, asked = ['"some text"', '"some text"', '"some text"'] } =
    taskCards[learning];
  return `## Intended use

Texts like those of the training data, of at most ${maxLength} tokens; what is longer is cut.${known}

\`\`\`sh
npx tunesmith predict THIS_FOLDER ${asked[0]}
\`\`\`

\`\`\`js
import { env, pipeline } from "@huggingface/transformers";
env.localModelPath = "PARENT_FOLDER";
const predict = await pipeline("${pipelineTag}", "THIS_FOLDER", { dtype: "fp32" });
console.log(await predict(${asked[1]}));
\`\`\`

\`\`\`python
from transformers import pipeline
print(pipeline("${pipelineTag}", "THIS_FOLDER")(${asked[2]}))
\`\`\``;
}

function trainingData({ learning, params, training }: CardFacts): string {
  if (training === undefined) return "";
  const rows = Object.entries(training.rows).map(([split, n]) => `${thousands(n)} (${split})`);
  return `## Training data

${params.dataset ?? "The data of the pipeline that made this model"}: ${taskCards[learning].data}, in rows: ${rows.join(", ")}. The pipeline file and its lockfile name
the source files by their digests and say how they were cleaned and split.`;
}

const OPTIMIZERS: Readonly<Record<string, string>> = {
  adamw_torch: "AdamW",
  sgd: "SGD",
  adafactor: "Adafactor",
  lion_32bit: "Lion",
};

function procedure({ learning, training, params }: CardFacts): string {
  if (training === undefined) return "";
  const start = {
    random: "random weights",
    "checkpoint-with-head": "a checkpoint, its classification head included",
    "checkpoint-with-new-head": "a checkpoint, with a new classification head",
  }[training.start];
  const from = params.base_model === undefined ? start : `${start} (${params.base_model})`;
  const settings = Object.entries({ ...training.arguments, seed: training.seed }).map(
    ([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : value],
  );
  const numbers = Object.entries(training.metrics).map(([name, value]) => [name, shown(value)]);
  return `## Training procedure

Training started from ${from}, with ${OPTIMIZERS[String(training.arguments.optim ?? "adamw_torch")]} on the ${taskCards[learning].loss ?? "mean cross-entropy"}, in float32.

${table(["Hyperparameter", "Value"], settings)}

What training came to:

${table(["Metric", "Value"], numbers)}`;
}

function results({ learning, results }: CardFacts): string {
  if (results === undefined) return "";
  const { classTitle, classUnit } = taskCards[learning];
  const { metrics, report } = results;
  const classes = report.classes.map(({ label, precision, recall, f1, support }) => [
    label,
    shown(precision),
    shown(recall),
    shown(f1),
    thousands(support),
  ]);
  const majority =
    metrics.majority_accuracy === undefined
      ? ""
      : "`majority_accuracy` is what always giving the most frequent label would reach.\n\n";
  const byClass = `${majority}${table([classTitle, "Precision", "Recall", "F1", sentence(classUnit)], classes)}`;
  return `## Results

On the ${thousands(metrics.rows ?? results.predictions.length)} rows of the split \`${report.split}\`:

${table(
  ["Metric", "Value"],
  Object.entries(metrics).map(([name, value]) => [name, shown(value)]),
)}${classes.length > 0 ? `\n\n${byClass}` : ""}`;
}

function limits({ learning, results, maxLength }: CardFacts): string {
  const { limits, classUnit } = taskCards[learning];
  const weak = [...(results?.report.classes ?? [])]
    .filter(({ support }) => support > 0)
    .sort((a, b) => a.f1 - b.f1)
    .slice(0, 3)
    .map(
      ({ label, f1, support }) =>
        `\`${label}\` (F1 ${shown(f1)}, ${thousands(support)} ${classUnit})`,
    );
  return [
    `## Limits

${limits.map((limit) => `- ${limit}`).join("\n")}
- Only the first ${maxLength} tokens of a text count.
- Texts of another kind, language or time than the training data may get worse results than those above.`,
    ...(weak.length > 0 ? [`- Weakest labels in the evaluation: ${weak.join(", ")}.`] : []),
  ].join("\n");
}

function ethics({ learning, results }: CardFacts): string {
  const measured = results
    ? "The table above shows how unevenly the labels are told apart; look at it, and at wrong predictions, before use."
    : "No evaluation was made when this card was written; make one before use.";
  return `## Ethical considerations

${taskCards[learning].caution} what its data holds: whatever is missing, rare, mislabelled or biased there shows in its answers. Check that the data is diverse and
representative of the texts it will see. ${measured} It was not made for decisions about people, and a person should be able to correct what follows from its answers.`;
}

function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | boolean)[])[],
): string {
  const line = (cells: readonly (string | number | boolean)[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Enough digits to compare models; whole numbers stay whole. */
function shown(value: number): string {
  return Number.isInteger(value) ? thousands(value) : value.toFixed(4);
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}

/** Without a locale, so that the bytes are the same everywhere. */
function thousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "text-classification" as "Text classification". */
function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1).replaceAll("-", " ");
}

function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "dataset"
  );
}
