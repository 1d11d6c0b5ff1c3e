import { StageFailure } from "../../engine/diagnostic.ts";
import type { StageContext } from "../../engine/stage.ts";
import { formatPretrained } from "../../models/pretrained.ts";
import { type FineTuned, fineTune as train } from "../../training/fine-tune.ts";
import { stepMemory } from "../../training/step-memory.ts";
import { totalSteps } from "../../training/step-plan.ts";
import {
  completeArguments,
  defaultArguments,
  optionalArguments,
  type TrainingArguments,
} from "../../training/training-arguments.ts";
import { TrainingError } from "../../training/training-error.ts";
import type { FileContent, Folder } from "../artifacts/folder.ts";
import type { TrainingFacts } from "../artifacts/model.ts";
import type { Tokens } from "../artifacts/tokens.ts";
import { openDevice } from "../open-device.ts";
import { requireSameTokenizer } from "../same-tokenizer.ts";
import { type Learning, learningOf, type TrainedTask } from "../trained-tasks.ts";
import { classWeightsOf } from "./class-weights.ts";
import type { FineTuneInputs } from "./fine-tune.ts";
import type { FineTuneParams } from "./params.ts";
import { problemTypeOf } from "./problem-type.ts";
import { openStartModel, type StartModel } from "./start-model.ts";
import { memoryLine, stepLine, wholeSteps } from "./step-log.ts";
import { type TrainedPart, trainedPart } from "./trained-part.ts";
import { type RowsOptions, readTrainingRows, type TrainingRows } from "./training-rows.ts";

/** What the fine-tune stage runs with. */
export type FineTuneContext = StageContext<FineTuneParams, FineTuneInputs>;

/** Trains the model that the params or the port name; records train_loss, steps, epochs and the evaluation's metrics. */
export async function fineTuneModel(context: FineTuneContext): Promise<{ model: Folder }> {
  const tokens = await context.inputs.dataset.read();
  if (context.inputs.model) await requireSameTokenizer(context.inputs.model.files, tokens);
  const task = context.params.task as TrainedTask;
  const problemType = problemTypeOf(context.params, tokens);
  const learning = learningOf(task, problemType);
  const found = readTrainingRows(tokens, rowsOptions(context.params, learning));
  const wanted = { task, labels: found.labels, ...(problemType && { problemType }) };
  const start = await openStartModel(context, wanted, tokens);
  context.log(`start: ${start.told}`);
  const rows = found.forModel(start.classifier);
  if (context.params.packing) sayPacking(context, rows);
  if (learning === "masked-lm" && !rows.train.masking)
    context.log("labels: the tokens come with them; mlm_probability hides none of these tokens");
  const settings = argumentsOf(context, rows, start.classifier.labels);
  const part = await trainedPart(context, start.classifier, rows);
  const result = await runTraining(context, { ...part, settings });
  const trained = { ...result, trained: part.whole(result.trained) };
  const metrics = metricsOf(trained, settings);
  for (const [name, value] of Object.entries(metrics)) context.metric(name, value);
  const facts = factsOf(context, { start, rows, settings, tokens, metrics });
  return { model: { files: modelFiles(trained, tokens, facts) } };
}

function rowsOptions(params: FineTuneParams, learning: Learning): RowsOptions {
  const { completion_only_loss: completions, assistant_only_loss: assistant } = params;
  return {
    learning,
    mlmProbability: params.mlm_probability,
    onlyWritten: { completions, assistant },
    packing: params.packing,
  };
}

function sayPacking({ log, metric }: FineTuneContext, { train, texts }: TrainingRows): void {
  const rows = train.rowIds.length;
  log(`packing: ${texts} texts in ${rows} rows of ${Math.round(train.ids.length / rows)} tokens`);
  metric("packed_rows", rows);
}

/** About a hundred entries in the log, whatever logging_steps says of the lines that are shown. */
function argumentsOf(
  { params, seed }: FineTuneContext,
  rows: TrainingRows,
  labels: readonly string[],
): TrainingArguments {
  const { eval_strategy = rows.validation ? "epoch" : "no" } = params;
  if (eval_strategy !== "no" && rows.validation === undefined) throw noValidation(eval_strategy);
  const given = Object.fromEntries(
    [...Object.keys(defaultArguments), ...optionalArguments].flatMap((name) => {
      const value = (params as Readonly<Record<string, unknown>>)[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const class_weights =
    params.class_weights && classWeightsOf(params.class_weights, labels, rows.train);
  const asked = {
    ...defaultArguments,
    ...given,
    seed,
    eval_strategy,
    ...(class_weights && { class_weights }),
  };
  const steps = totalSteps(rows.train, asked);
  return completeArguments({
    ...asked,
    eval_steps: wholeSteps(asked.eval_steps, steps),
    save_steps: wholeSteps(asked.save_steps, steps),
    logging_steps: Math.max(1, Math.ceil(steps / 100)),
  });
}

async function runTraining(
  context: FineTuneContext,
  { start, rows, settings }: Omit<TrainedPart, "whole"> & { settings: TrainingArguments },
): Promise<FineTuned> {
  const isSmall = context.inputs.features !== undefined; // a head's products do not gain by threads
  const device = await openDevice(isSmall ? { ...context.device, threads: 1 } : context.device);
  const { params, inputs, progress, log, signal, checkpoints } = context;
  const memory = stepMemory(start, rows.train, { given: settings, device });
  if (memory !== undefined) log(memoryLine(memory, settings));
  try {
    return await train({
      start,
      dataset: rows.train,
      ...(rows.validation && { evaluation: rows.validation }),
      arguments: settings,
      device,
      signal,
      ...(inputs.features === undefined && { checkpoints }),
      onNotice: log,
      onProgress(told) {
        const metrics = { loss: told.loss, tokens_per_second: told.tokensPerSecond };
        progress({ done: told.step, total: told.maxSteps, unit: "steps", metrics });
        const line = stepLine(told, params);
        if (line !== undefined) log(line);
      },
    });
  } catch (error) {
    if (!(error instanceof TrainingError)) throw error;
    const { code, message, hint } = error;
    throw new StageFailure({ code, message, ...(hint && { hint }) });
  }
}

/** Of the returned model: the best evaluation where it was asked for, else the last. */
function metricsOf(
  { state }: FineTuned,
  { load_best_model_at_end: isBest }: TrainingArguments,
): Record<string, number> {
  const { log_history: log, global_step, epoch, best_global_step } = state;
  const metrics: Record<string, number> = {};
  const evaluations = log.filter((entry) => entry.eval_loss !== undefined);
  const best = isBest && evaluations.find(({ step }) => step === best_global_step);
  const of = best || evaluations.at(-1);
  for (const [name, value] of Object.entries(of ?? {}))
    if (name.startsWith("eval_")) metrics[name] = value;
  const { train_loss } = log.at(-1)!;
  if (train_loss !== undefined) metrics.train_loss = train_loss;
  return { ...metrics, steps: global_step, epochs: epoch };
}

function factsOf(
  { params, seed }: FineTuneContext,
  {
    start,
    rows,
    settings,
    tokens,
    metrics,
  }: {
    start: StartModel;
    rows: TrainingRows;
    settings: TrainingArguments;
    tokens: Tokens;
    metrics: Readonly<Record<string, number>>;
  },
): TrainingFacts {
  const { classifier } = start;
  return {
    task: params.task,
    arguments: {
      ...shownArguments(settings),
      ...(params.train !== "all" && { train: params.train }),
    },
    seed,
    start: start.start,
    max_length: tokens.facts.max_length,
    rows: {
      train: rows.texts,
      ...(rows.validation && { validation: rows.validation.rowIds.length }),
    },
    labels: classifier.labels,
    metrics,
  };
}

/** Beside `seed`, or of no meaning for the result. */
const NOT_SHOWN = [
  "seed",
  "gradient_checkpointing",
  "logging_steps",
  "save_strategy",
  "save_steps",
  "save_total_limit",
];
/** Shown only where they are not at their defaults, so that training.json has the bytes it had before they came. */
const LATER_ARGUMENTS = [
  "dataloader_drop_last",
  "eval_on_start",
  "eval_delay",
  "balanced_sampling",
  "eval_steps",
  "early_stopping_threshold",
  "label_smoothing_factor",
  "layerwise_lr_decay",
  "mixed_precision",
  "optim",
];

function shownArguments(settings: TrainingArguments): TrainingFacts["arguments"] {
  const defaults: Readonly<Record<string, unknown>> = { ...defaultArguments };
  const isShown = (name: string, value: unknown) =>
    !NOT_SHOWN.includes(name) && !(LATER_ARGUMENTS.includes(name) && value === defaults[name]);
  return Object.fromEntries(
    Object.entries(settings).filter(([name, value]) => isShown(name, value)),
  );
}

function modelFiles(
  { trained, state }: FineTuned,
  { tokenizer }: Tokens,
  facts: TrainingFacts,
): ReadonlyMap<string, FileContent> {
  return new Map<string, FileContent>([
    ...formatPretrained(trained),
    ...tokenizer,
    ["trainer_state.json", `${JSON.stringify(state, null, 2)}\n`],
    ["training.json", `${JSON.stringify(facts, null, 2)}\n`],
  ]);
}

function noValidation(eval_strategy: string): StageFailure {
  return new StageFailure({
    code: "no-validation-split",
    message: `eval_strategy is "${eval_strategy}", but the dataset has no rows in a split "validation".`,
    hint: "make one with a split stage: validation: 0.1, or leave eval_strategy out",
  });
}
