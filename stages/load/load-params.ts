import { extname } from "node:path";
import type { FromSchema } from "json-schema-to-ts";
import type { ParamsProblem, ParamsSchema } from "../../engine/stage.ts";
import { columnParams } from "./column-params.ts";

const pathOrPaths = {
  anyOf: [
    { type: "string", minLength: 1 },
    { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
  ],
} as const;

/** The schema of the load stage's `with`. */
export const loadParams = {
  type: "object",
  properties: {
    files: {
      description:
        "The files to read: a path, a list of paths, or a map from split name to either. Without a map all rows are in the split `train`; the folder of a Hugging Face dataset has splits of its own.",
      examples: [
        "data/packages.csv",
        ["data/2024.jsonl", "data/2025.jsonl"],
        { train: "data/train.csv", test: "data/test.csv" },
        "data/imdb",
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
        "How the files are written. `auto` goes by the extension: .csv, .tsv, .jsonl (or .ndjson), .txt, .conll (or .iob2), .json, .parquet; a path without one is the folder of a Hugging Face dataset. A txt file has one text a line; a conll file one word a line, its tag in the last column, a blank line between texts; a squad file is one JSON object, questions with answers as SQuAD 1.1 and 2.0 are published.",
      type: "string",
      enum: ["auto", "csv", "tsv", "jsonl", "txt", "conll", "squad", "parquet", "folder"],
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
    ...columnParams,
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
export type LoadParams = FromSchema<typeof loadParams>;

type Files = LoadParams["files"];

/** A file to read, the split its rows go to, and where `with` names it. */
export interface SplitFile {
  readonly split: string;
  readonly path: string;
  readonly at: readonly (string | number)[];
}

/** The files of `with` in their order. */
export function filesBySplit(files: Files): readonly SplitFile[] {
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

const EXTENSIONS: { readonly [extension: string]: Format } = {
  ".csv": "csv",
  ".tsv": "tsv",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".txt": "txt",
  ".conll": "conll",
  ".iob2": "conll",
  ".json": "squad",
  ".parquet": "parquet",
};

/** How a file is written. */
export type Format = Exclude<LoadParams["format"], "auto" | "folder">;

/** The format that a file's extension says; undefined where it says none. */
export function formatOfExtension(path: string): Format | undefined {
  return EXTENSIONS[extname(path).toLowerCase()];
}

/** The format that `with` or the extension says; undefined where neither does. A path without an extension is a folder's. */
export function formatOf(path: string, { format }: LoadParams): Format | "folder" | undefined {
  if (format !== "auto") return format;
  return extname(path) === "" ? "folder" : formatOfExtension(path);
}

/** The folder that is read, where it is one. */
export function folderOf({ files, ...params }: LoadParams): string | undefined {
  const isFolder = typeof files === "string" && formatOf(files, { files, ...params }) === "folder";
  return isFolder ? files : undefined;
}

const CONTENT = [
  "labels",
  "label_separator",
  "numbers",
  "prompt",
  "completion",
  "source",
  "target",
  "messages",
  "question",
  "context",
  "answers",
] as const;

/** Params that mean nothing for a format. */
const foreignParams = {
  csv: [],
  tsv: ["delimiter"],
  jsonl: ["delimiter"],
  parquet: ["delimiter"],
  txt: ["label", "words", "tags", "tag_names", ...CONTENT, "id", "delimiter"],
  conll: ["label", "words", "tags", ...CONTENT, "id", "delimiter"],
  squad: ["label", "words", "tags", "tag_names", ...CONTENT, "id", "delimiter"],
} as const satisfies { readonly [F in Format]: readonly (keyof LoadParams)[] };

/** What is wrong with a file's extension, or with params that mean nothing for its format. */
export function problemsOf({ path, at }: SplitFile, params: LoadParams): ParamsProblem[] {
  const format = formatOf(path, params);
  if (format === "folder") return params.files === path ? [] : [folderAmongFiles(path, at)];
  if (format === undefined)
    return [
      {
        at,
        code: "unknown-format",
        message: `The extension of "${path}" does not say how the file is written.`,
        hint: "say it: format: csv, tsv, jsonl, txt, conll, squad or parquet",
      },
    ];
  return foreignParams[format]
    .filter((name) => params[name] !== undefined)
    .map((name) => ({
      at: [name],
      code: "param-without-effect",
      message: `"${path}" is a ${format} file, which has no ${name === "delimiter" ? "delimiter to choose" : "columns"}.`,
      hint: `leave out "${name}"`,
    }));
}

function folderAmongFiles(path: string, at: SplitFile["at"]): ParamsProblem {
  return {
    at,
    code: "folder-among-files",
    message: `"${path}" has no extension, and so is a folder, which has splits of its own.`,
    hint: "give the folder alone, as `files`; or say how the file is written: format: csv",
  };
}
