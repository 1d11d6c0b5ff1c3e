import { defineStage, type InputPath } from "../../engine/stage.ts";
import { dataset } from "../artifacts/dataset.ts";
import { report } from "../artifacts/report.ts";
import { contentProblems } from "./content-problems.ts";
import { filesBySplit, formatOf, type LoadParams, loadParams, problemsOf } from "./load-params.ts";

/** Reads rows with a text, perhaps labels or numbers, tagged words, a completion or target, questions, or conversations, from CSV, TSV, JSON Lines, plain text, CoNLL or SQuAD files. */
export const load = defineStage({
  kind: "load",
  version: 1,
  description: "Reads rows from CSV, TSV, JSON Lines, plain text, CoNLL or SQuAD files.",
  params: loadParams,
  inputs: {},
  outputs: {
    dataset: { type: dataset, description: "The rows, by split." },
    report: { type: report, description: "Rows, labels and skipped lines of each file." },
  },
  seeded: false,
  deterministic: true,
  environment: [],
  inputPaths: (params: LoadParams) =>
    filesBySplit(params.files).map(({ at, path }): InputPath => {
      const readAs = params.format === "auto" ? formatOf(path, params) : undefined;
      return { at, ...(readAs && { readAs }) };
    }),
  parts: ({ files }: LoadParams) => ({
    dataset: [...new Set(filesBySplit(files).map(({ split }) => split))],
  }),
  check: (params: LoadParams) => [
    ...contentProblems(params),
    ...filesBySplit(params.files).flatMap((file) => problemsOf(file, params)),
  ],
  async run(context) {
    const { loadDataset } = await import("./load-dataset.ts");
    return loadDataset(context, filesBySplit(context.params.files));
  },
});
