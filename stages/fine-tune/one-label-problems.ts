import type { ParamsProblem } from "../../engine/stage.ts";
import type { FineTuneParams } from "./params.ts";

/** What is wrong with params that are for rows, or words, with one label each. */
export function oneLabelProblems(params: FineTuneParams): ParamsProblem[] {
  const { task, problem_type: type } = params;
  const isOther = type !== undefined && type !== "single_label_classification";
  const what = isOther ? `problem_type ${type}` : task;
  const isFor = {
    class_weights: task.endsWith("-classification") && !isOther,
    balanced_sampling: task === "sequence-classification" && !isOther,
    label_smoothing_factor: task !== "question-answering" && !isOther,
  };
  const meant = {
    class_weights: "class_weights are for labels of which one fits",
    balanced_sampling: "balanced_sampling is for rows with one label each",
    label_smoothing_factor: "label_smoothing_factor is for labels of which one fits",
  };
  return (Object.keys(isFor) as (keyof typeof isFor)[])
    .filter((name) => params[name] && !isFor[name])
    .map((name) => ({
      at: [name],
      code: "no-classes",
      message: `${meant[name]}; ${what} has none.`,
      hint: "leave it out",
    }));
}

/** problem_type is for texts that are given labels or numbers. */
export function problemTypeProblems({ task, problem_type }: FineTuneParams): ParamsProblem[] {
  if (problem_type === undefined || task === "sequence-classification") return [];
  const message = `problem_type is for sequence-classification, not for ${task}.`;
  return [{ at: ["problem_type"], code: "param-without-effect", message, hint: "leave it out" }];
}
