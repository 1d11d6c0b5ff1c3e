import type { FromSchema } from "json-schema-to-ts";
import { defineStage, type InputPath, type ParamsSchema } from "../../engine/stage.ts";
import { dataset } from "../artifacts/dataset.ts";
import { report } from "../artifacts/report.ts";

const pathOrPaths = {
  anyOf: [
    { type: "string", minLength: 1 },
    { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
  ],
} as const;

const params = {
  type: "object",
  properties: {
    files: {
      description:
        "The files to read: a path, a list of paths, or a map from split name to either. Without a map all rows are in the split `train`.",
      examples: [
        "data/packages.csv",
        ["data/2024.jsonl", "data/2025.jsonl"],
        { train: "data/train.csv", test: "data/test.csv" },
      ],
      anyOf: [
        ...pathOrPaths.anyOf,
        {
          type: "object",
          minProperties: 1,
          propertyNames: { pattern: "^[A-Za-z0-9][A-Za-z0-9_-]*$" },
          additionalProperties: pathOrPaths,
        },
      ],
    },
    format: {
      description:
        "How the files are written. `auto` goes by the extension: .csv, .tsv, .jsonl (or .ndjson), .txt. A txt file has one text a line.",
      type: "string",
      enum: ["auto", "csv", "tsv", "jsonl", "txt"],
      default: "auto",
      examples: ["csv"],
    },
    text: {
      description: "The column that holds the text.",
      type: "string",
      minLength: 1,
      default: "text",
      examples: ["description"],
    },
    label: {
      description: "The column that holds the label. Without it rows have no label.",
      type: "string",
      minLength: 1,
      examples: ["section"],
    },
    id: {
      description:
        "The column that holds a unique id of each row. Without it an id is made from the row's content.",
      type: "string",
      minLength: 1,
      examples: ["package"],
    },
    delimiter: {
      description: "The character between the cells of a csv file. Without it a comma.",
      type: "string",
      minLength: 1,
      maxLength: 1,
      examples: [";", "|"],
    },
  },
  required: ["files"],
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the load stage, defaults filled in. */
export type LoadParams = FromSchema<typeof params>;

type Files = LoadParams["files"];

/** Reads rows with a text, perhaps a label, from CSV, TSV, JSON Lines or plain text files. */
export const load = defineStage({
  kind: "load",
  version: 1,
  description: "Reads rows from CSV, TSV, JSON Lines or plain text files.",
  params,
  inputs: {},
  outputs: {
    dataset: { type: dataset, description: "The rows, by split." },
    report: { type: report, description: "Rows, labels and skipped lines of each file." },
  },
  seeded: false,
  deterministic: true,
  environment: [],
  inputPaths: ({ files }: LoadParams) => filesBySplit(files).map(({ at }): InputPath => ({ at })),
  parts: ({ files }: LoadParams) => ({
    dataset: [...new Set(filesBySplit(files).map(({ split }) => split))],
  }),
  async run(context) {
    const { loadDataset } = await import("./load-dataset.ts");
    return loadDataset(context, filesBySplit(context.params.files));
  },
});

/** A file to read, the split its rows go to, and where `with` names it. */
export interface SplitFile {
  readonly split: string;
  readonly path: string;
  readonly at: readonly (string | number)[];
}

function filesBySplit(files: Files): readonly SplitFile[] {
  if (typeof files === "string" || Array.isArray(files))
    return filesOf("train", files as string | string[], ["files"]);
  return Object.entries(files as Record<string, string | string[]>).flatMap(([split, paths]) =>
    filesOf(split, paths, ["files", split]),
  );
}

function filesOf(
  split: string,
  paths: string | readonly string[],
  at: readonly (string | number)[],
): readonly SplitFile[] {
  if (typeof paths === "string") return [{ split, path: paths, at }];
  return paths.map((path, i) => ({ split, path, at: [...at, i] }));
}
