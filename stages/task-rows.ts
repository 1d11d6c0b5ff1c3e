import { StageFailure } from "../engine/diagnostic.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import { answeredRows } from "./answered-rows.ts";
import type { TokenizerFiles } from "./artifacts/tokenizer.ts";
import type { TokenSplit } from "./artifacts/tokens.ts";
import { labelSetRows, labelsOfSets } from "./label-set-rows.ts";
import { labelledRows, labelsOfRows, type UnknownLabelAdvice } from "./labelled-rows.ts";
import { followedRows, maskableRows } from "./language-rows.ts";
import { namesOfNumbers, numberRows } from "./number-rows.ts";
import { sequenceRows } from "./sequence-rows.ts";
import { taggedRows, tagsOfRows } from "./tagged-rows.ts";
import { type Learning, learningOf, trainedTasks } from "./trained-tasks.ts";

/** What the rows of a task are read with. */
export interface RowsContext {
  /** What the model knows; none where the task has no labels. */
  readonly labels: readonly string[];
  readonly advice: UnknownLabelAdvice;
  readonly tokenizer: TokenizerFiles;
  /** The share of words to be found, of masked-lm. */
  readonly mlmProbability: number;
  /** Whether only what a model is to write counts, of causal-lm: completions, and what the assistant says. */
  readonly onlyWritten: { readonly completions: boolean; readonly assistant: boolean };
}

/** How the rows of a task are read. */
export interface TaskRows {
  /** The labels that a split has, sorted by code unit, or the names of its numbers; a StageFailure where rows lack them. */
  labelsOf?(name: string, split: TokenSplit): readonly string[];
  /** A split as training reads it; a StageFailure says what is wrong with it, such as a label that is not among `labels`. */
  read(name: string, split: TokenSplit, context: RowsContext): TokenDataset;
}

/** How the rows of each task are read. */
export const taskRows: Readonly<Record<Learning, TaskRows>> = {
  "sequence-classification": { labelsOf: labelsOfRows, read: labelledRows },
  multi_label_classification: { labelsOf: labelsOfSets, read: labelSetRows },
  regression: { labelsOf: namesOfNumbers, read: numberRows },
  "token-classification": { labelsOf: tagsOfRows, read: taggedRows },
  "question-answering": { read: answeredRows },
  "masked-lm": { read: (_, split, context) => maskableRows(split, context) },
  "causal-lm": { read: followedRows },
  "sequence-to-sequence": { read: sequenceRows },
};

/** A split as training for a task reads it; a StageFailure where it has labels of its tokens, which others do not read. */
export function rowsOfTask(
  learning: Learning,
  [name, split]: readonly [string, TokenSplit],
  context: RowsContext,
): TokenDataset {
  if (split.labels && learning !== "masked-lm")
    throw new StageFailure({
      code: "labels-not-read",
      message: `The tokens of the split "${name}" come with labels, which ${learning} does not read.`,
      hint: "train for masked-lm, or leave the labels of tokens out",
    });
  return taskRows[learning].read(name, split, context);
}

/** What a model that is to be `done` ("saved") has learnt; a StageFailure where stages do not know its task. */
export function learningOfModel({ model }: ModelWithWeights, done: string): Learning {
  const found = trainedTasks.find((task) => task === model.task);
  if (found !== undefined) return learningOf(found, model.problemType);
  throw new StageFailure({
    code: "task-not-supported",
    message: `A model for ${model.task} cannot be ${done}.`,
    hint: `tasks that can be ${done}: ${trainedTasks.join(", ")}`,
  });
}
