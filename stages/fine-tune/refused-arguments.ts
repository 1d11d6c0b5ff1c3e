import { isDeepStrictEqual } from "node:util";
import type { ParamsProblem } from "../../engine/stage.ts";

interface RefusedArgument {
  /** Values that ask for nothing, or for what is done anyway. */
  readonly neutral: readonly unknown[];
  readonly hint: string;
}

const refused = (neutral: readonly unknown[], hint: string): RefusedArgument => ({ neutral, hint });
const off = [false, null];
const any = [true, false, null];
const absent = [null];

const FLOAT32 = "all but products is in float32; leave it out";
const half = (type: "fp16" | "bf16") =>
  `set mixed_precision: ${type}, on a device that has it; or leave it out`;
const ONE_DEVICE = "training is on one device; leave it out";
const IN_MEMORY = "rows are in memory; leave it out";
const COMPILED = "graphs are always compiled; leave it out";
const UPLOAD = "add a stage `uses: save` and upload its folder";
const SAVED = "add a stage `uses: save` with `to: FOLDER`";
const DISPLAY = "the stage's log is the same everywhere; `--json` writes events; leave it out";
const SEED = "set `seed` beside `uses`, or at the top of the file";
const METRICS = "an evaluation gives all metrics of its task; leave it out";
const ROWS = "the stage `load` names the columns; leave it out";
const TRACKERS =
  "trainer_state.json holds the log; for TensorBoard set `tensorboard: true` in the save stage";

/** TrainingArguments of transformers that do nothing here or nothing yet, those that its older versions had included. */
const refusedArguments = {
  accelerator_config: refused(absent, ONE_DEVICE),
  activation_checkpointing: refused(off, "set gradient_checkpointing"),
  activation_checkpointing_kwargs: refused(absent, "set gradient_checkpointing"),
  auto_find_batch_size: refused(
    off,
    "the stage's log foretells the memory of a step; set per_device_train_batch_size",
  ),
  average_tokens_across_devices: refused(any, ONE_DEVICE),
  batch_eval_metrics: refused(off, METRICS),
  bf16: refused(off, half("bf16")),
  bf16_full_eval: refused(off, FLOAT32),
  data_seed: refused(absent, SEED),
  dataloader_in_order: refused([true, null], IN_MEMORY),
  dataloader_multiprocessing_context: refused(absent, IN_MEMORY),
  dataloader_num_workers: refused([0], IN_MEMORY),
  dataloader_persistent_workers: refused(off, IN_MEMORY),
  dataloader_pin_memory: refused(any, IN_MEMORY),
  dataloader_prefetch_factor: refused(absent, IN_MEMORY),
  ddp_backend: refused(absent, ONE_DEVICE),
  ddp_broadcast_buffers: refused(absent, ONE_DEVICE),
  ddp_bucket_cap_mb: refused(absent, ONE_DEVICE),
  ddp_find_unused_parameters: refused(absent, ONE_DEVICE),
  ddp_static_graph: refused(absent, ONE_DEVICE),
  ddp_timeout: refused([1800, null], ONE_DEVICE),
  debug: refused(["", [], null], "leave it out"),
  deepspeed: refused(absent, ONE_DEVICE),
  disable_tqdm: refused(any, DISPLAY),
  do_eval: refused(any, "set eval_strategy, or add a stage `uses: evaluate`"),
  do_predict: refused(off, "use `tunesmith predict`"),
  do_train: refused(any, "a stage that is not to run is left out"),
  enable_jit_checkpoint: refused(off, "an interrupted training is always saved; leave it out"),
  eval_accumulation_steps: refused(absent, METRICS),
  eval_do_concat_batches: refused([true, null], METRICS),
  eval_use_gather_object: refused(off, ONE_DEVICE),
  evaluation_strategy: refused([], "it is called eval_strategy"),
  fp16: refused(off, half("fp16")),
  fp16_full_eval: refused(off, FLOAT32),
  fsdp: refused([null, "", false, []], ONE_DEVICE),
  fsdp_config: refused(absent, ONE_DEVICE),
  full_determinism: refused(any, "results are always deterministic; leave it out"),
  gradient_checkpointing_kwargs: refused(absent, "gradient_checkpointing has no options"),
  hub_always_push: refused(off, UPLOAD),
  hub_model_id: refused(absent, UPLOAD),
  hub_private_repo: refused(absent, UPLOAD),
  hub_revision: refused(absent, UPLOAD),
  hub_strategy: refused(["every_save", null], UPLOAD),
  hub_token: refused(absent, UPLOAD),
  ignore_data_skip: refused(off, "a resumed training goes on with the rows that come next"),
  include_for_metrics: refused([[], null], METRICS),
  include_num_input_tokens_seen: refused(
    ["no", "non_padding", false, null],
    "tokens without padding are always counted; leave it out",
  ),
  label_names: refused(absent, ROWS),
  length_column_name: refused(["length", null], "lengths are counted; leave it out"),
  liger_kernel_config: refused(absent, COMPILED),
  local_rank: refused([-1, 0, null], ONE_DEVICE),
  log_level: refused(["passive", null], DISPLAY),
  log_level_replica: refused(["warning", "passive", null], DISPLAY),
  log_on_each_node: refused(any, ONE_DEVICE),
  logging_dir: refused(absent, TRACKERS),
  logging_nan_inf_filter: refused([true, null], "a loss that is not finite ends the training"),
  max_length: refused([], "set it in the tokenize stage"),
  neftune_noise_alpha: refused(absent, "leave it out"),
  no_cuda: refused(off, "run with --device cpu"),
  optim_target_modules: refused(absent, "leave it out"),
  output_dir: refused(absent, SAVED),
  overwrite_output_dir: refused(off, SAVED),
  parallelism_config: refused(absent, ONE_DEVICE),
  prediction_loss_only: refused(off, METRICS),
  project: refused(["huggingface", null], TRACKERS),
  push_to_hub: refused(off, UPLOAD),
  remove_unused_columns: refused(any, ROWS),
  report_to: refused(["none", [], null], TRACKERS),
  restore_callback_states_from_checkpoint: refused(
    any,
    "best model and early stopping always go on where they were; leave it out",
  ),
  resume_from_checkpoint: refused(
    off,
    "a stopped training always goes on from its newest checkpoint; leave it out",
  ),
  run_name: refused(absent, TRACKERS),
  save_on_each_node: refused(off, ONE_DEVICE),
  save_only_model: refused(off, "checkpoints are to go on from; a model alone is the result"),
  seed: refused([], SEED),
  skip_memory_metrics: refused([true, null], "the stage's log foretells the memory of a step"),
  tf32: refused(off, FLOAT32),
  torch_compile: refused(off, COMPILED),
  torch_compile_backend: refused(absent, COMPILED),
  torch_compile_mode: refused(absent, COMPILED),
  torch_empty_cache_steps: refused(absent, "memory is freed as soon as it can be; leave it out"),
  trackio_bucket_id: refused(absent, TRACKERS),
  trackio_space_id: refused([null, "trackio"], TRACKERS),
  trackio_static_space_id: refused(off, TRACKERS),
  train_sampling_strategy: refused(
    ["random", null],
    "set group_by_length, balanced_sampling, or shuffle: false",
  ),
  use_cache: refused(off, "training needs no cache of keys and values; leave it out"),
  use_cpu: refused(off, "run with --device cpu"),
  use_liger_kernel: refused(off, COMPILED),
} as const satisfies Record<string, RefusedArgument>;

type RefusedName = keyof typeof refusedArguments;
type RefusedProperties = { readonly [name in RefusedName]: { readonly description: string } };

/** Their names; none of them ever changes a result. */
export const refusedNames = Object.keys(refusedArguments) as readonly RefusedName[];

/** Schema properties for them, so that the message is more than "unknown key". */
export const refusedProperties = Object.fromEntries(
  Object.entries(refusedArguments).map(([name, { hint }]) => [
    name,
    { description: `Not supported: ${hint}.` },
  ]),
) as RefusedProperties;

/** A problem for each of these arguments that asks for something. */
export function refusedArgumentProblems(params: object): readonly ParamsProblem[] {
  return refusedNames.flatMap((name): ParamsProblem[] => {
    const value = (params as Readonly<Record<string, unknown>>)[name];
    const { neutral, hint } = refusedArguments[name];
    const isNeutral = (neutral as readonly unknown[]).some((one) => isDeepStrictEqual(one, value));
    if (value === undefined || isNeutral) return [];
    const message = `fine-tune does not support "${name}: ${shown(value)}".`;
    return [{ at: [name], code: "argument-not-supported", message, hint }];
  });
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? "{…}" : String(value);
}
