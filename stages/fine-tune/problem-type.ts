import { StageFailure } from "../../engine/diagnostic.ts";
import type { ProblemType } from "../../models/model.ts";
import type { TokenSplit, Tokens } from "../artifacts/tokens.ts";
import { bestMetricProblems } from "./best-metric.ts";
import { oneLabelProblems } from "./one-label-problems.ts";
import type { FineTuneParams } from "./params.ts";
import { trainingSplit } from "./training-rows.ts";

/** Param of load that gives rows what each type needs. */
const columns = {
  single_label_classification: "label",
  multi_label_classification: "labels",
  regression: "numbers",
} as const satisfies Readonly<Record<ProblemType, string>>;

/**
 * What a sequence classifier is to learn: what the param says, else what the rows have; undefined for other tasks. A
 * StageFailure where the two differ, or where params are for another type.
 */
export function problemTypeOf(params: FineTuneParams, { splits }: Tokens): ProblemType | undefined {
  if (params.task !== "sequence-classification") return undefined;
  const [name, split] = trainingSplit(splits);
  const found = typeOfRows(split);
  const wanted = params.problem_type ?? found;
  if (wanted !== found)
    throw new StageFailure({
      code: "rows-of-another-kind",
      message: `problem_type is ${wanted}, but the rows of the split "${name}" have ${columns[found]}, not ${columns[wanted]}.`,
      hint: `in the load stage name the column as \`${columns[wanted]}\`, or leave problem_type out`,
    });
  const known = { ...params, problem_type: wanted };
  const [problem] = [...oneLabelProblems(known), ...bestMetricProblems(known)];
  if (problem === undefined) return wanted;
  const { code, message, hint } = problem;
  throw new StageFailure({ code, message, ...(hint && { hint }) });
}

function typeOfRows({ rows }: TokenSplit): ProblemType {
  if (rows[0]?.labels) return "multi_label_classification";
  return rows[0]?.numbers ? "regression" : "single_label_classification";
}
