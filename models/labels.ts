import { type ConfigJson, fieldError } from "./config-json.ts";
import { type ProblemType, problemTypes, type Task } from "./model.ts";
import { ModelError } from "./model-error.ts";

/** Whether the logits of a task are one for each label. */
export function hasLabels(task: Task): boolean {
  return task === "sequence-classification" || task === "token-classification";
}

/** The labels of a configuration in the order of their ids; two, as transformers has it, where it names none. */
export function labelsOf(config: ConfigJson): readonly string[] {
  const { id2label } = config;
  if (id2label === undefined || id2label === null) return ["LABEL_0", "LABEL_1"];
  const labels = Object.keys(id2label).map((_, id) => (id2label as Record<string, unknown>)[id]);
  if (labels.length > 0 && labels.every((label) => typeof label === "string")) return labels;
  throw fieldError(config, "id2label", "an object of names by ids 0, 1, 2, …");
}

/** What the sequence classifier of a configuration tells; where it does not say, one logit is a number, as in transformers. */
export function problemTypeOf(config: ConfigJson): ProblemType {
  const { problem_type: named = null } = config;
  if (named === null)
    return labelsOf(config).length === 1 ? "regression" : "single_label_classification";
  const found = problemTypes.find((type) => type === named);
  if (found !== undefined) return found;
  throw fieldError(config, "problem_type", `one of ${problemTypes.join(", ")}`);
}

/** The configuration with these labels, of which only a choice of one needs two; the names of a regression's numbers are labels, too. */
export function withLabels(
  config: ConfigJson,
  labels: readonly string[],
  problemType: ProblemType = "single_label_classification",
): ConfigJson {
  const { problem_type, num_labels, ...rest } = config;
  const least = problemType === "single_label_classification" ? 2 : 1;
  if (labels.length < least)
    throw new ModelError(
      "labels-too-few",
      `A classifier needs at least ${least} label${least > 1 ? "s" : ""}; got ${labels.length}.`,
    );
  if (new Set(labels).size !== labels.length)
    throw new ModelError("labels-repeated", "A label is given twice.");
  const ids = labels.map((label, id) => [label, id] as const);
  return {
    ...rest,
    id2label: Object.fromEntries(ids.map(([label, id]) => [id, label])),
    label2id: Object.fromEntries(ids),
  };
}
