import type { TrainingProgress } from "../../training/fine-tune.ts";
import type { StepMemory } from "../../training/step-memory.ts";
import type { TrainingArguments } from "../../training/training-arguments.ts";
import type { FineTuneParams } from "./params.ts";

/** A step's line in the stage's log; undefined where the params ask for none. */
export function stepLine(
  progress: TrainingProgress,
  params: Pick<FineTuneParams, "logging_strategy" | "logging_steps" | "logging_first_step">,
): string | undefined {
  if (!isLogged(progress, params)) return undefined;
  const { step, maxSteps, epoch, loss, learningRate, tokensPerSecond } = progress;
  return `step ${step}/${maxSteps} epoch ${epoch.toFixed(2)} loss ${loss.toFixed(4)} learning_rate ${learningRate.toPrecision(3)} tokens/s ${Math.round(tokensPerSecond)}`;
}

function isLogged(
  { step, maxSteps, epoch }: TrainingProgress,
  {
    logging_strategy,
    logging_steps,
    logging_first_step,
  }: Pick<FineTuneParams, "logging_strategy" | "logging_steps" | "logging_first_step">,
): boolean {
  if (step === 1 && logging_first_step) return true;
  if (logging_strategy === "no") return false;
  if (step === maxSteps) return true;
  if (logging_strategy === "epoch") return Number.isInteger(epoch);
  return step % wholeSteps(logging_steps, maxSteps) === 0;
}

/** A number of steps that may be given as a share of all, which is rounded up as transformers does. */
export function wholeSteps(steps: number, allSteps: number): number {
  return steps < 1 ? Math.ceil(steps * allSteps) : steps;
}

/** The line that tells what a step will take in memory. */
export function memoryLine(memory: StepMemory, given: TrainingArguments): string {
  const { rows, length, bytes, otherwise } = memory;
  const [now, other] = [bytes, otherwise].map((count) => `${Math.ceil(count / 2 ** 20)} MiB`);
  const way = `with${given.gradient_checkpointing ? "out" : ""} gradient_checkpointing`;
  return `memory of a step of ${rows} x ${length} tokens, beside weights and optimizer: about ${now} (${other} ${way})`;
}
