import {
  defineStage,
  type InputPorts,
  type ParamsProblem,
  type StageContext,
} from "../../engine/stage.ts";
import { kwargsProblem } from "../../training/scheduler-kwargs.ts";
import { argumentThatEvaluates } from "../../training/training-arguments.ts";
import { embeddings } from "../artifacts/embeddings.ts";
import { model } from "../artifacts/model.ts";
import { tokens } from "../artifacts/tokens.ts";
import {
  CHECKPOINT_FILES,
  hubProblems,
  isFolder,
  oneModelProblems,
} from "../start-model-problems.ts";
import { type TrainedTask, trainedTasks } from "../trained-tasks.ts";
import { bestMetricProblems } from "./best-metric.ts";
import { oneLabelProblems, problemTypeProblems } from "./one-label-problems.ts";
import { type FineTuneParams, params } from "./params.ts";
import { refusedArgumentProblems, refusedNames } from "./refused-arguments.ts";

const inputs = {
  dataset: {
    type: tokens,
    description:
      "Token ids with labels: trained on the split `train` (or the only one), evaluated on `validation`.",
    parts: ["train", "validation"],
  },
  model: {
    type: model,
    description: "A model of another stage to train further, instead of the param.",
    optional: true,
  },
  features: {
    type: embeddings,
    description:
      "The same rows as vectors of the same model, for `train: head`: its encoder need not be computed.",
    parts: ["train", "validation"],
    optional: true,
  },
} as const satisfies InputPorts;

/** What the stage reads. */
export type FineTuneInputs = typeof inputs;

/** Trains a model on labelled rows, from a checkpoint or from random weights. */
export const fineTune = defineStage({
  kind: "fine-tune",
  version: 4,
  description: "Trains a model on labelled rows, from a checkpoint or from random weights.",
  params,
  inputs,
  outputs: {
    model: { type: model, description: "The trained model as a Hugging Face folder." },
  },
  seeded: true,
  deterministic: true,
  environment: ["compute"],
  notInKey: [
    "gradient_checkpointing",
    "logging_steps",
    "logging_strategy",
    "logging_first_step",
    "save_strategy",
    "save_steps",
    "save_total_limit",
    ...refusedNames,
  ],
  notInCheckpoints: [
    "num_train_epochs",
    "max_steps",
    "lr_scheduler_type",
    "lr_scheduler_kwargs",
    "warmup_steps",
    "warmup_ratio",
    "eval_strategy",
    "eval_steps",
    "eval_on_start",
    "eval_delay",
    "per_device_eval_batch_size",
    "load_best_model_at_end",
    "metric_for_best_model",
    "greater_is_better",
    "early_stopping_patience",
    "early_stopping_threshold",
  ],
  inputPaths: ({ model }: FineTuneParams) =>
    isFolder(model) ? [{ at: ["model"], files: CHECKPOINT_FILES }] : [],
  check: (params: FineTuneParams, inputs) => [
    ...taskProblems(params),
    ...oneModelProblems("fine-tune", {
      hasParam: params.model !== undefined,
      hasPort: "model" in inputs,
      orElse: ", or to { config: … } for random weights",
    }),
    ...hubProblems(params.model),
    ...headProblems(params, "features" in inputs),
    ...validationProblems(params, inputs.dataset),
    ...scheduleProblems(params),
    ...stepProblems(params),
    ...optimizerProblems(params),
    ...problemTypeProblems(params),
    ...oneLabelProblems(params),
    ...bestMetricProblems(params),
    ...packingProblems(params),
    ...refusedArgumentProblems(params),
  ],
  async run(context: StageContext<FineTuneParams, FineTuneInputs>) {
    const { fineTuneModel } = await import("./fine-tune-model.ts");
    return fineTuneModel(context);
  },
});

/** Tasks by their names at Hugging Face that this stage does not do. */
const OTHER_TASKS = ["feature-extraction", "sentence-similarity", "multiple-choice"];

/** What pipelines of transformers call the tasks that it does. */
const OTHER_NAMES: ReadonlyMap<string, TrainedTask> = new Map([
  ["text-classification", "sequence-classification"],
  ["sentiment-analysis", "sequence-classification"],
  ["ner", "token-classification"],
  ["fill-mask", "masked-lm"],
  ["text-generation", "causal-lm"],
  ["summarization", "sequence-to-sequence"],
  ["translation", "sequence-to-sequence"],
  ["text2text-generation", "sequence-to-sequence"],
]);

function taskProblems({ task }: FineTuneParams): ParamsProblem[] {
  if (trainedTasks.some((one) => one === task)) return [];
  const isKnown = OTHER_TASKS.some((one) => one === task);
  const meant = OTHER_NAMES.get(task);
  const all = `tasks that can be trained: ${trainedTasks.join(", ")}`;
  return [
    {
      at: ["task"],
      code: isKnown ? "task-not-supported" : "unknown-task",
      message: isKnown ? `The task "${task}" is not supported yet.` : `There is no task "${task}".`,
      hint: meant === undefined ? all : `did you mean "${meant}"? ${all}`,
    },
  ];
}

function headProblems(
  { train, task, model }: FineTuneParams,
  hasFeatures: boolean,
): ParamsProblem[] {
  const problem = (message: string, hint: string, at: readonly string[] = ["train"]) => [
    { at, code: "features-without-use", message, hint },
  ];
  if (!hasFeatures) return [];
  if (train !== "head")
    return problem(
      "features are for training the head alone; here all of the model is trained.",
      "set train: head, or leave the input `features` out",
      [],
    );
  if (task !== "sequence-classification")
    return problem(
      `features are one vector for each row; the head of ${task} reads all tokens.`,
      "leave the input `features` out: train: head then computes the encoder at each step",
    );
  if (typeof model !== "object") return [];
  return problem(
    "features are of a trained encoder; { config: … } starts from random weights.",
    "name the checkpoint that the embed stage used",
    ["model"],
  );
}

function scheduleProblems(params: FineTuneParams): ParamsProblem[] {
  const problem = kwargsProblem(params);
  if (problem === undefined) return [];
  return [
    {
      at: [params.lr_scheduler_kwargs ? "lr_scheduler_kwargs" : "lr_scheduler_type"],
      code: "scheduler-kwargs",
      message: `lr_scheduler_kwargs do not fit lr_scheduler_type ${params.lr_scheduler_type}.`,
      hint: `expected ${problem}`,
    },
  ];
}

function packingProblems({ task, packing }: FineTuneParams): ParamsProblem[] {
  if (!packing || task === "causal-lm") return [];
  const message = `packing is for causal-lm; a text of ${task} needs a row of its own.`;
  const hint = "leave it out; group_by_length spares padding, too";
  return [{ at: ["packing"], code: "not-packable", message, hint }];
}

/** Numbers of steps are whole, or shares of all steps. */
function stepProblems(params: FineTuneParams): ParamsProblem[] {
  const names = ["warmup_steps", "eval_steps", "save_steps", "logging_steps"] as const;
  const wrong = names.filter((name) => params[name] > 1 && !Number.isInteger(params[name]));
  return wrong.map((name) => ({
    at: [name],
    code: "steps-not-whole",
    message: `${name} is ${params[name]}: neither a whole number of steps nor, below 1, a share of all.`,
    hint: `try ${Math.round(params[name])}`,
  }));
}

function optimizerProblems({ optim, optim_args }: FineTuneParams): ParamsProblem[] {
  if (optim_args === undefined || optim === "sgd") return [];
  const message = `optim_args are for optim sgd; ${optim} takes none.`;
  return [{ at: ["optim_args"], code: "optim-args", message, hint: "leave them out" }];
}

function validationProblems(
  params: FineTuneParams,
  splits: readonly string[] | undefined,
): ParamsProblem[] {
  const { eval_strategy } = params;
  const asks = argumentThatEvaluates(params);
  if (asks !== undefined && eval_strategy === "no")
    return [
      {
        at: [asks],
        code: "no-evaluation",
        message: `${shownNeed(asks, params)} needs an evaluation, but eval_strategy is "no".`,
        hint: "leave eval_strategy out, or set it to epoch",
      },
    ];
  const isAsked = eval_strategy === "epoch" || eval_strategy === "steps";
  if (splits === undefined || splits.includes("validation") || !(isAsked || asks)) return [];
  const name = isAsked ? "eval_strategy" : asks!;
  return [
    {
      at: [name],
      code: "no-validation-split",
      message: `${shownNeed(name, params)} needs a split "validation"; the dataset has: ${splits.join(", ") || "none"}.`,
      hint: "make one with a split stage: validation: 0.1",
    },
  ];
}

/** A param as a message names it: the schedule by its own name. */
function shownNeed(name: string, { lr_scheduler_type }: FineTuneParams): string {
  return name === "lr_scheduler_type" ? `lr_scheduler_type ${lr_scheduler_type}` : name;
}
