import { defineStage, type InputPath } from "../../engine/stage.ts";
import { dataset } from "../artifacts/dataset.ts";
import { report } from "../artifacts/report.ts";
import { contentProblems } from "./content-problems.ts";
import {
  filesBySplit,
  folderOf,
  formatOf,
  type LoadParams,
  loadParams,
  problemsOf,
} from "./load-params.ts";

/** Reads rows with a text, perhaps labels or numbers, tagged words, a completion or target, questions, or conversations, from CSV, TSV, JSON Lines, plain text, CoNLL, SQuAD or Parquet files, or a Hugging Face dataset's folder. */
export const load = defineStage({
  kind: "load",
  version: 1,
  description:
    "Reads rows from CSV, TSV, JSON Lines, plain text, CoNLL, SQuAD or Parquet files, or a Hugging Face dataset's folder.",
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
  parts: (params: LoadParams) => ({
    dataset: folderOf(params)
      ? undefined
      : [...new Set(filesBySplit(params.files).map(({ split }) => split))],
  }),
  check: (params: LoadParams) => [
    ...contentProblems(params),
    ...filesBySplit(params.files).flatMap((file) => problemsOf(file, params)),
  ],
  async run(context) {
    const { loadDataset } = await import("./load-dataset.ts");
    const folder = folderOf(context.params);
    if (folder === undefined) return loadDataset(context, filesBySplit(context.params.files));
    const { readDatasetFolder } = await import("./dataset-folder.ts");
    const { files, features } = await readDatasetFolder(folder);
    return loadDataset(context, files, features);
  },
});
