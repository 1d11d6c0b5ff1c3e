import { type ConfigJson, fieldError } from "./config-json.ts";
import type { Task } from "./model.ts";
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

/** The configuration with these labels; a ModelError where it asks for another kind of problem. */
export function withLabels(config: ConfigJson, labels: readonly string[]): ConfigJson {
  const { problem_type = null, num_labels, ...rest } = config;
  if (problem_type !== null && problem_type !== "single_label_classification")
    throw fieldError(config, "problem_type", '"single_label_classification"');
  if (labels.length < 2)
    throw new ModelError(
      "labels-too-few",
      `A classifier needs at least 2 labels; got ${labels.length}.`,
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
