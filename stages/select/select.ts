import type { FromSchema } from "json-schema-to-ts";
import { anyArtifact } from "../../engine/artifact.ts";
import type { Problem } from "../../engine/diagnostic.ts";
import { type Candidate, defineStage, type ParamsSchema } from "../../engine/stage.ts";

const params = {
  type: "object",
  properties: {
    metric: {
      description: "The metric that decides, by its name in the lockfile.",
      type: "string",
      minLength: 1,
      examples: ["accuracy", "macro_f1"],
    },
    mode: {
      description: "Whether the largest or the smallest value is the best.",
      type: "string",
      enum: ["max", "min"],
      default: "max",
    },
  },
  required: ["metric"],
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the select stage. */
export type SelectParams = FromSchema<typeof params>;

/** Passes on the best of several results by a metric; of equal ones, the first in the order of the matrix. */
export const select = defineStage({
  kind: "select",
  version: 1,
  description:
    "Passes on the best of several results by a metric; of equal ones, the first in the order of the matrix.",
  params,
  inputs: {
    candidates: {
      type: anyArtifact,
      description: "The results to choose from: all members of a stage with a matrix.",
      isMany: true,
    },
    metrics: {
      type: anyArtifact,
      description:
        "The stage that measured them, with the same matrix; without it each candidate's own metrics count.",
      isMany: true,
      optional: true,
    },
  },
  outputs: { best: { type: anyArtifact, description: "The best result, as it is." } },
  seeded: false,
  deterministic: true,
  environment: [],
  // What is passed on is equal whatever decided: the key holds only its digest.
  notInKey: ["metric", "mode"],
  choose: chooseBest,
  run: async () => {
    throw new Error("internal: a stage that chooses is never run");
  },
});

function chooseBest(
  { metric, mode }: SelectParams,
  candidates: readonly Candidate[],
): Candidate | Problem {
  const valueIn = ({ metrics }: Candidate) => metrics[metric] ?? Number.NaN;
  const without = candidates.find((one) => Number.isNaN(valueIn(one)));
  const [first] = candidates;
  if (first === undefined || without !== undefined) {
    const known = Object.keys(without?.metrics ?? {}).join(", ");
    return {
      code: "metric-missing",
      message: `The metric "${metric}" of "${without?.name}" is not known.`,
      hint:
        known === ""
          ? "it has none: name the stage that measures under in: metrics"
          : `its metrics: ${known}`,
    };
  }
  const sign = mode === "max" ? 1 : -1;
  return candidates.reduce(
    (best, one) => (sign * valueIn(one) > sign * valueIn(best) ? one : best),
    first,
  );
}
