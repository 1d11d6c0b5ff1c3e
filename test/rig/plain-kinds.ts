import type { ArtifactType } from "../../engine/artifact.ts";
import { type AnyStage, defineStage } from "../../engine/stage.ts";

const unused = async (): Promise<never> => {
  throw new Error("internal: a stage of a test of analysis ran");
};
const artifact = (name: string, hasParts: boolean): ArtifactType<never> => ({
  name,
  format: 1,
  hasParts,
  write: unused,
  read: unused,
});
const rows = artifact("rows", true);
const note = artifact("note", false);

const text = { type: "string", minLength: 1 } as const;
const common = { version: 1, seeded: false, deterministic: true, environment: [], run: unused };

interface GiveParams {
  readonly parts?: readonly string[];
  readonly from?: string;
}

/** Rows from nowhere, or from files; `parts` says which splits they have. */
const give = defineStage({
  ...common,
  kind: "give",
  description: "Gives rows.",
  params: {
    type: "object",
    properties: {
      parts: { type: "array", items: text, description: "Splits." },
      from: { ...text, description: "A file." },
      count: { type: "integer", minimum: 1, default: 3, description: "Rows." },
      rate: { type: "number", description: "A number." },
      name: { ...text, description: "A text." },
      flag: { type: "boolean", default: false, description: "A flag." },
    },
    additionalProperties: false,
  },
  inputs: {},
  outputs: {
    rows: { type: rows, description: "The rows." },
    note: { type: note, description: "About them." },
  },
  inputPaths: ({ from }: GiveParams) => (from === undefined ? [] : [{ at: ["from"] }]),
  parts: ({ parts }: GiveParams) => (parts === undefined ? {} : { rows: parts }),
});

/** Reads rows, and perhaps a note; gives rows of the same splits. */
const change = defineStage({
  ...common,
  kind: "change",
  description: "Changes rows.",
  params: { type: "object", properties: {}, additionalProperties: false },
  inputs: {
    rows: { type: rows, description: "The rows." },
    note: { type: note, description: "A note.", optional: true },
  },
  outputs: { rows: { type: rows, description: "The rows." } },
  parts: (_: object, inputs) => (inputs.rows === undefined ? {} : { rows: inputs.rows }),
});

/** Reads some splits of one input and a single split of another. */
const measure = defineStage({
  ...common,
  kind: "measure",
  description: "Measures rows.",
  params: { type: "object", properties: {}, additionalProperties: false },
  inputs: {
    train: { type: rows, description: "Two splits.", parts: ["train", "validation"] },
    test: { type: rows, description: "One split.", parts: "one", optional: true },
  },
  outputs: { note: { type: note, description: "The result." } },
});

/** Writes rows to the workspace and gives nothing to read. */
const put = defineStage({
  ...common,
  kind: "put",
  description: "Writes rows.",
  params: {
    type: "object",
    properties: { to: { ...text, description: "A folder." } },
    required: ["to"],
    additionalProperties: false,
  },
  inputs: { rows: { type: rows, description: "The rows." } },
  outputs: {},
  destination: "to",
});

/** Reads all members of a stage with a matrix. */
const gather = defineStage({
  ...common,
  kind: "gather",
  description: "Gathers rows.",
  params: { type: "object", properties: {}, additionalProperties: false },
  inputs: { rows: { type: rows, description: "Any number of rows.", isMany: true } },
  outputs: { rows: { type: rows, description: "All rows." } },
});

/** Small kinds for tests of analysis; none of them runs. */
export const plainKinds: readonly AnyStage[] = [give, change, measure, gather, put];
