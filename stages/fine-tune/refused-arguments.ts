import type { ParamsProblem } from "../../engine/stage.ts";

interface RefusedArgument {
  /** Values that ask for nothing. */
  readonly neutral: readonly unknown[];
  readonly hint: string;
}

const later = (neutral: readonly unknown[], hint: string): RefusedArgument => ({ neutral, hint });
const off = [false, null];

/** TrainingArguments that people bring along, which do nothing here or nothing yet. */
const refusedArguments = {
  fp16: later(off, "Training is in float32; leave it out."),
  bf16: later(off, "Training is in float32; leave it out."),
  tf32: later(off, "Training is in float32; leave it out."),
  optim: later(["adamw_torch", "adamw_torch_fused"], "The optimizer is AdamW, as adamw_torch."),
  gradient_checkpointing: later(off, "Use a smaller per_device_train_batch_size to save memory."),
  torch_compile: later(off, "Graphs are always compiled; leave it out."),
  deepspeed: later([null], "Training is on one device; leave it out."),
  fsdp: later([null, "", false], "Training is on one device; leave it out."),
  label_smoothing_factor: later([0], "Leave it out."),
  neftune_noise_alpha: later([null], "Leave it out."),
  eval_steps: later([null], "The validation split is evaluated after each epoch."),
  save_strategy: later(["no"], "The stage's result is the model; the save stage writes it."),
  save_steps: later([], "The stage's result is the model; the save stage writes it."),
  save_total_limit: later([null], "The stage's result is the model; the save stage writes it."),
  resume_from_checkpoint: later(off, "Give a checkpoint as `model` to train it further."),
  output_dir: later([], "Add a stage `uses: save` with `to: FOLDER`."),
  overwrite_output_dir: later(off, "Add a stage `uses: save` with `to: FOLDER`."),
  push_to_hub: later(off, "Add a stage `uses: save` and upload its folder."),
  report_to: later(["none", null], "trainer_state.json holds the log."),
  logging_strategy: later(["steps"], "Set logging_steps."),
  seed: later([], "Set `seed` beside `uses`, or at the top of the file."),
  data_seed: later([null], "Set `seed` beside `uses`, or at the top of the file."),
  dataloader_num_workers: later([0], "Rows are in memory; leave it out."),
  dataloader_drop_last: later(off, "The last, smaller batch is trained on, too."),
  max_length: later([], "Set it in the tokenize stage."),
} as const satisfies Record<string, RefusedArgument>;

type RefusedName = keyof typeof refusedArguments;
type RefusedProperties = { readonly [name in RefusedName]: { readonly description: string } };

/** Their names; none of them ever changes a result. */
export const refusedNames = Object.keys(refusedArguments) as readonly RefusedName[];

/** Schema properties for them, so that the message is more than "unknown key". */
export const refusedProperties = Object.fromEntries(
  Object.entries(refusedArguments).map(([name, { hint }]) => [
    name,
    { description: `Not supported. ${hint}` },
  ]),
) as RefusedProperties;

/** A problem for each of these arguments that asks for something. */
export function refusedArgumentProblems(params: object): readonly ParamsProblem[] {
  return refusedNames.flatMap((name): ParamsProblem[] => {
    const value = (params as Readonly<Record<string, unknown>>)[name];
    const { neutral, hint } = refusedArguments[name];
    if (value === undefined || (neutral as readonly unknown[]).includes(value)) return [];
    const message = `fine-tune does not support "${name}: ${shown(value)}".`;
    return [{ at: [name], code: "argument-not-supported", message, hint }];
  });
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? "{…}" : String(value);
}
