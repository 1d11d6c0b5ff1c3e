import { StageFailure } from "../../engine/diagnostic.ts";
import type { ModelWithWeights } from "../../models/pretrained.ts";
import { packRows } from "../../training/pack-rows.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import type { TokenSplit, Tokens } from "../artifacts/tokens.ts";
import { requireFit } from "../labelled-rows.ts";
import { type RowsContext, rowsOfTask, taskRows } from "../task-rows.ts";
import type { Learning } from "../trained-tasks.ts";

/** The rows that a model is trained and evaluated on. */
export interface TrainingRows {
  readonly train: TokenDataset;
  /** How many texts it has, each in a row of its own or several in one. */
  readonly texts: number;
  readonly validation: TokenDataset | undefined;
}

/** The rows of the training split, whose labels are known before the model is. */
export interface FoundRows {
  /** Sorted by code unit, of which one fits at least two; the names of numbers; none where the task has no labels. */
  readonly labels: readonly string[];
  /** The rows with the labels and limits of one model; a StageFailure says which do not fit it. */
  forModel(classifier: ModelWithWeights): TrainingRows;
}

/** What decides how rows are read, beside the model. */
export interface RowsOptions {
  readonly learning: Learning;
  readonly mlmProbability: number;
  readonly onlyWritten: RowsContext["onlyWritten"];
  /** Whether training texts share rows. */
  readonly packing: boolean;
}

/** The split `train`, or the only one there is, and `validation`; StageFailures for rows without a use. */
export function readTrainingRows(
  { splits, tokenizer, facts }: Tokens,
  { learning, packing, ...options }: RowsOptions,
): FoundRows {
  const [name, train] = trainingSplit(splits);
  if (train.rows.length === 0)
    throw new StageFailure({
      code: "no-rows",
      message: `The split "${name}" has no rows to train on.`,
      hint: "look at the reports of the stages before: which rule dropped them?",
    });
  const labels = taskRows[learning].labelsOf?.(name, train) ?? [];
  const needsTwo = learning.endsWith("-classification"); // of which one fits
  if (needsTwo && labels.length < 2)
    throw oneLabel(name, train, { task: learning, label: labels[0]! });
  const validation = splits.get("validation");
  const evaluated = validation === train || !validation?.rows.length ? undefined : validation;
  return {
    labels,
    forModel({ model, labels: known }) {
      const advice = {
        from: `the split "${name}"`,
        hint: 'put rows of this label into the training split, or drop them; a split stage with "stratify: label" keeps labels in all splits',
      };
      const rowsOf = (split: string, rows: TokenSplit) => {
        requireFit(split, rows, model);
        return rowsOfTask(learning, [split, rows], {
          labels: known,
          advice,
          tokenizer,
          ...options,
        });
      };
      const texts = rowsOf(name, train);
      const longest = Math.min(facts.max_length, model.maxLength);
      return {
        train: packing ? packRows(texts, longest) : texts,
        texts: train.rows.length,
        validation: evaluated && rowsOf("validation", evaluated),
      };
    },
  };
}

function oneLabel(
  name: string,
  { rows }: TokenSplit,
  { task, label }: { task: Learning; label: string },
): StageFailure {
  const [kind, what] = task === "token-classification" ? ["words", "tag"] : ["rows", "label"];
  const having = kind === "rows" ? `${rows.length} rows` : kind;
  return new StageFailure({
    code: "one-label",
    message: `All ${having} of the split "${name}" have the ${what} "${label}".`,
    hint: `a classifier needs ${kind} of at least two ${what}s`,
  });
}

/** The split `train`, or the only one there is, with its name. */
export function trainingSplit(splits: Tokens["splits"]): readonly [string, TokenSplit] {
  const train = splits.get("train");
  if (train !== undefined) return ["train", train];
  const [only, ...others] = splits;
  if (only !== undefined && others.length === 0) return only;
  throw new StageFailure({
    code: "no-train-split",
    message: `The dataset has no split "train"; it has: ${[...splits.keys()].join(", ") || "none that fine-tune reads"}.`,
    hint: "name the split to train on, as in `in: tokens.SPLIT`",
  });
}
