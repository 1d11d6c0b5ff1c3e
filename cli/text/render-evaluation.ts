import pc from "picocolors";
import { widthOf } from "../../engine/text-width.ts";
import type { CliContext } from "../context.ts";
import type { Evaluation } from "../describe-stage.ts";
import { glyphsOf } from "./glyphs.ts";
import { printableLine } from "./printable.ts";
import { renderTable } from "./render-table.ts";

const MOST_MISTAKES = 10;

/** The results of a classifier as lines: a table of classes, and the confusion matrix where it fits, else the mistakes made most; of a model of numbers how near each comes; none of a model without labels. */
export function renderEvaluation(
  evaluation: Evaluation,
  context: Pick<CliContext, "color" | "columns" | "environment">,
): readonly string[] {
  if (evaluation.labels.length === 0) return [];
  const { dim } = pc.createColors(context.color);
  const width = context.columns - 2;
  const { ellipsis } = glyphsOf(context.environment);
  const style = { width, ellipsis, paintTitle: dim };
  const title = `on ${printableLine(evaluation.split)}`;
  if (evaluation.numbers)
    return `${title}\n${renderTable(numberColumns, numbersOf(evaluation), style)}`
      .trimEnd()
      .split("\n");
  const classes = evaluation.classes.map(({ label, precision, recall, f1, support }) => [
    printableLine(label),
    ...[precision, recall, f1].map((value) => value.toFixed(4)),
    String(support),
  ]);
  const columns = [
    { title: "label", shrinks: true },
    ...["precision", "recall", "f1", "rows"].map((title) => ({ title, align: "right" as const })),
  ] as const;
  const table = renderTable(columns, classes, style);
  const matrix = confusionColumns(evaluation);
  const rows = evaluation.confusion.map((counts, index) => [
    printableLine(evaluation.labels[index] ?? ""),
    ...counts.map(String),
  ]);
  const fits = matrixWidth(evaluation) <= width;
  const confusion = fits
    ? `true label, by predicted one\n${renderTable(matrix, rows, style)}`
    : `mistakes made most\n${renderTable(mistakeColumns, mistakesOf(evaluation), style)}`;
  const below = evaluation.confusion.length > 0 ? `\n${confusion}` : "";
  return `${title}\n${table}${below}`.trimEnd().split("\n");
}

const NUMBER_METRICS = ["mse", "mae", "r2", "pearson", "spearmanr"] as const;

const numberColumns = [
  { title: "number", shrinks: true },
  ...NUMBER_METRICS.map((title) => ({ title, align: "right" as const })),
] as const;

function numbersOf({ numbers = {} }: Evaluation): readonly (readonly string[])[] {
  return Object.entries(numbers).map(([name, metrics]) => [
    printableLine(name),
    ...NUMBER_METRICS.map((metric) => metrics[metric]?.toFixed(4) ?? "-"),
  ]);
}

function confusionColumns({ labels }: Evaluation) {
  const predicted = labels.map((label) => ({
    title: printableLine(label),
    align: "right" as const,
  }));
  return [{ title: "" }, ...predicted];
}

function matrixWidth({ labels }: Evaluation): number {
  const widths = labels.map((label) => widthOf(printableLine(label)));
  return Math.max(0, ...widths) + widths.reduce((sum, width) => sum + Math.max(5, width) + 2, 0);
}

const mistakeColumns = [
  { title: "rows", align: "right" },
  { title: "true label", shrinks: true },
  { title: "predicted" },
] as const;

function mistakesOf({ labels, confusion }: Evaluation): readonly (readonly string[])[] {
  const mistakes = confusion.flatMap((counts, truth) =>
    counts.map((count, predicted) => ({ count, truth, predicted })),
  );
  return mistakes
    .filter(({ count, truth, predicted }) => truth !== predicted && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_MISTAKES)
    .map(({ count, truth, predicted }) => [
      String(count),
      printableLine(labels[truth] ?? ""),
      printableLine(labels[predicted] ?? ""),
    ]);
}
