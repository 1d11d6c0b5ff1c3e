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
  fp16: later(off, "training is in float32; leave it out"),
  bf16: later(off, "training is in float32; leave it out"),
  tf32: later(off, "training is in float32; leave it out"),
  torch_compile: later(off, "graphs are always compiled; leave it out"),
  deepspeed: later([null], "training is on one device; leave it out"),
  fsdp: later([null, "", false], "Training is on one device; leave it out."),
  neftune_noise_alpha: later([null], "leave it out"),
  resume_from_checkpoint: later(
    off,
    "a stopped training always goes on from its newest checkpoint; leave it out",
  ),
  output_dir: later([], "add a stage `uses: save` with `to: FOLDER`"),
  overwrite_output_dir: later(off, "add a stage `uses: save` with `to: FOLDER`"),
  push_to_hub: later(off, "add a stage `uses: save` and upload its folder"),
  report_to: later(
    ["none", null],
    "trainer_state.json holds the log; for TensorBoard set `tensorboard: true` in the save stage",
  ),
  logging_strategy: later(["steps"], "set logging_steps"),
  seed: later([], "set `seed` beside `uses`, or at the top of the file"),
  data_seed: later([null], "set `seed` beside `uses`, or at the top of the file"),
  dataloader_num_workers: later([0], "rows are in memory; leave it out"),
  dataloader_drop_last: later(off, "the last, smaller batch is trained on, too"),
  max_length: later([], "set it in the tokenize stage"),
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
    if (value === undefined || (neutral as readonly unknown[]).includes(value)) return [];
    const message = `fine-tune does not support "${name}: ${shown(value)}".`;
    return [{ at: [name], code: "argument-not-supported", message, hint }];
  });
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? "{…}" : String(value);
}
