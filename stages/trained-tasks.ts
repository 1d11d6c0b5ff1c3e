import type { ProblemType, Task } from "../models/model.ts";

/** The tasks that stages train, evaluate and save. */
export const trainedTasks = [
  "sequence-classification",
  "token-classification",
  "question-answering",
  "masked-lm",
  "causal-lm",
  "sequence-to-sequence",
] as const satisfies readonly Task[];

/** One of them. */
export type TrainedTask = (typeof trainedTasks)[number];

/** A task as rows see it: sequence-classification by its problem type, where a text does not get one label. */
export type Learning = TrainedTask | Exclude<ProblemType, "single_label_classification">;

/** What a model of this task and problem type learns. */
export function learningOf(task: TrainedTask, problemType: ProblemType | undefined): Learning {
  return problemType === undefined || problemType === "single_label_classification"
    ? task
    : problemType;
}
