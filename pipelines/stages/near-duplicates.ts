import { defineStage, type Row } from "tunesmith";
import { overlapOf, shinglesOf } from "./shingles.ts";

/** Drops rows whose text says nearly what an earlier row of their split says. */
export default defineStage({
  description: "Drops rows that are nearly equal to an earlier one.",
  params: {
    type: "object",
    properties: {
      overlap: {
        description: "From this share of common letters on, texts are nearly equal.",
        type: "number",
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.8,
      },
    },
    additionalProperties: false,
  },
  inputs: { dataset: { type: "dataset", description: "The rows to compare." } },
  outputs: {
    dataset: { type: "dataset", description: "The rows that are left, in their order." },
    report: { type: "report", description: "What was dropped, and beside what." },
  },
  async run({ inputs, params, metric, progress }) {
    const kept: Record<string, Row[]> = {};
    const dropped: { text: string; like: string }[] = [];
    for (const split of inputs.dataset.splits) {
      const before: { row: Row; shingles: ReadonlySet<string> }[] = [];
      const rows = await inputs.dataset.rows(split);
      for (const [done, row] of rows.entries()) {
        const shingles = shinglesOf(row.text);
        const like = before.find((one) => overlapOf(one.shingles, shingles) >= params.overlap);
        if (like === undefined) before.push({ row, shingles });
        else dropped.push({ text: row.text, like: like.row.text });
        progress({ done: done + 1, total: rows.length, unit: "rows" });
      }
      kept[split] = before.map(({ row }) => row);
    }
    metric("dropped", dropped.length);
    return { dataset: kept, report: { dropped } };
  },
});
