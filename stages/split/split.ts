import type { FromSchema } from "json-schema-to-ts";
import { defineStage, type ParamsProblem, type ParamsSchema } from "../../engine/stage.ts";
import { dataset } from "../artifacts/dataset.ts";
import { report } from "../artifacts/report.ts";

const fraction = { type: "number", minimum: 0, maximum: 1, default: 0 } as const;
const column = { type: "string", minLength: 1 } as const;

const params = {
  type: "object",
  properties: {
    train: {
      ...fraction,
      description: "The share of the split `train`; 0 for no such split.",
      examples: [0.8],
    },
    validation: {
      ...fraction,
      description: "The share of the split `validation`; 0 for no such split.",
      examples: [0.1],
    },
    test: {
      ...fraction,
      description: "The share of the split `test`; 0 for no such split.",
      examples: [0.1],
    },
    stratify: {
      ...column,
      description:
        "A column, or `label`: each of its values that has rows enough is in every split. Shares differ from the fractions only by chance; exact shares would move rows between splits when others are added.",
      examples: ["label"],
    },
    group: {
      ...column,
      description:
        "A column: rows with the same value never meet in different splits. A row whose cell is empty is a group of its own.",
      examples: ["source", "author"],
    },
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the split stage, defaults filled in. */
export type SplitParams = FromSchema<typeof params>;

const NAMES = ["train", "validation", "test"] as const;

/** The splits to make, in their order, with their share of the rows: those above 0. */
export function sharesOf(params: SplitParams): readonly (readonly [string, number])[] {
  return NAMES.map((name) => [name, params[name]] as const).filter(([, share]) => share > 0);
}

/**
 * Divides rows into train, validation and test by a hash of their content: adding, removing or reordering rows
 * moves no other row (with `stratify`, only rows of a value that would be missing from a split).
 */
export const split = defineStage({
  kind: "split",
  version: 1,
  description: "Divides rows into train, validation and test by a hash of their content.",
  params,
  inputs: { dataset: { type: dataset, description: "The rows, in a single split." } },
  outputs: {
    dataset: { type: dataset, description: "The same rows in the splits asked for." },
    report: { type: report, description: "Rows and labels of each split, leaks, warnings." },
  },
  seeded: true,
  deterministic: true,
  environment: [],
  parts: (params: SplitParams) => ({ dataset: sharesOf(params).map(([name]) => name) }),
  check: (params: SplitParams, inputs) => [
    ...fractionProblems(params),
    ...singleSplitProblems(inputs.dataset),
  ],
  async run(context) {
    const { splitDataset } = await import("./split-dataset.ts");
    return splitDataset(context, sharesOf(context.params));
  },
});

const TOLERANCE = 1e-9;

function fractionProblems(params: SplitParams): ParamsProblem[] {
  const sum = params.train + params.validation + params.test;
  if (Math.abs(sum - 1) <= TOLERANCE) return [];
  return [
    {
      at: [],
      code: "fractions-do-not-sum-to-1",
      message: `train, validation and test sum to ${Number(sum.toPrecision(12))}, not to 1.`,
      hint: "for example train: 0.8, validation: 0.1, test: 0.1",
    },
  ];
}

function singleSplitProblems(splits: readonly string[] | undefined): ParamsProblem[] {
  if (splits === undefined || splits.length <= 1) return [];
  return [
    {
      at: [],
      code: "already-split",
      message: `The dataset is already split: ${splits.join(", ")}.`,
      hint: `split one of them (in: STAGE.${splits[0]}), or leave this stage out`,
    },
  ];
}
