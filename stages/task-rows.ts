import { StageFailure } from "../engine/diagnostic.ts";
import type { Task } from "../models/model.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenSplit } from "./artifacts/tokens.ts";
import { labelledRows, labelsOfRows, type UnknownLabelAdvice } from "./labelled-rows.ts";
import { taggedRows, tagsOfRows } from "./tagged-rows.ts";

/** How the rows of a task are read. */
export interface TaskRows {
  /** The labels that a split has, sorted by code unit; a StageFailure where rows lack them. */
  labelsOf(name: string, split: TokenSplit): readonly string[];
  /** A split as training reads it; a StageFailure names a label that is not among `labels`. */
  read(
    name: string,
    split: TokenSplit,
    known: { labels: readonly string[]; advice: UnknownLabelAdvice },
  ): TokenDataset;
}

/** The tasks that stages train, evaluate and save, and how the rows of each are read. */
export const taskRows = {
  "sequence-classification": { labelsOf: labelsOfRows, read: labelledRows },
  "token-classification": { labelsOf: tagsOfRows, read: taggedRows },
} as const satisfies Partial<Record<Task, TaskRows>>;

/** A task that stages train. */
export type TrainedTask = keyof typeof taskRows;

/** The task of a model that is to be `done` ("saved"); a StageFailure where stages do not know it. */
export function trainedTask({ model: { task } }: ModelWithWeights, done: string): TrainedTask {
  if (Object.hasOwn(taskRows, task)) return task as TrainedTask;
  throw new StageFailure({
    code: "task-not-supported",
    message: `A model for ${task} cannot be ${done}.`,
    hint: `tasks that can be ${done}: ${Object.keys(taskRows).join(", ")}`,
  });
}
