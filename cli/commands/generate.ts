import { isAbsolute, join } from "node:path";
import { type Problem, StageFailure } from "../../engine/diagnostic.ts";
import type { TextGenerator } from "../../stages/generate-texts.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { requestedMachine } from "../device-option.ts";
import { reportProblem } from "../report-problem.ts";

/** What `tunesmith generate` takes. */
export interface GenerateFlags {
  readonly maxNewTokens: number;
  readonly numBeams: number;
  readonly sample: boolean;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly repetitionPenalty: number;
  readonly seed: number;
  readonly stop?: readonly string[];
  /** Prompts are what a user says, and answers are wanted. */
  readonly chat: boolean;
  /** What the system says before; with `chat`. */
  readonly system?: string;
  readonly device?: string;
  readonly json: boolean;
}

/**
 * Goes on with each prompt, answers it (`--chat`), or turns it into another text, as the model does. Prints prompt and
 * continuation, or the answer or new text alone; with `--json` one object a line: prompt, generated.
 */
export async function generate(
  context: CliContext,
  folder: string,
  prompts: readonly string[],
  flags: GenerateFlags,
): Promise<number> {
  const refuse = (problem: Problem, code: number) => {
    reportProblem(context, problem);
    return code;
  };
  const machine = requestedMachine(context, flags.device);
  if (!machine.ok) return refuse(machine.error, exitCodes.usage);
  if (flags.system !== undefined && !flags.chat)
    return refuse(
      { code: "usage", message: "--system is for --chat.", hint: "add --chat, or leave it out" },
      exitCodes.usage,
    );
  const { cwd, signal } = context;
  try {
    const { openDevice } = await import("../../stages/open-device.ts");
    const { openTextGenerator } = await import("../../stages/generate-texts.ts");
    const device = await openDevice(machine.value.device);
    const path = isAbsolute(folder) ? folder : join(cwd, folder);
    await writeTexts(context, await openTextGenerator(path, device), { prompts, flags });
    return exitCodes.ok;
  } catch (error) {
    if (signal.aborted)
      return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
    if (error instanceof StageFailure) return refuse(error.problem, exitCodes.failed);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    return refuse({ code: "cannot-read", message: `${message}.` }, exitCodes.io);
  }
}

async function writeTexts(
  { stdout, signal }: CliContext,
  generator: TextGenerator,
  { prompts, flags }: { prompts: readonly string[]; flags: GenerateFlags },
): Promise<void> {
  const options = { ...optionsOf(flags), signal };
  for (const prompt of prompts) {
    const generated = flags.chat
      ? await generator.answer(messagesOf(prompt, flags), options)
      : await generator.write(prompt, options);
    const shown = generator.goesOn && !flags.chat ? prompt + generated : generated;
    stdout.write(`${flags.json ? JSON.stringify({ prompt, generated }) : shown}\n`);
  }
  await generator.close();
}

function messagesOf(content: string, { system }: GenerateFlags) {
  const said = { role: "user", content };
  return system === undefined ? [said] : [{ role: "system", content: system }, said];
}

function optionsOf(flags: GenerateFlags) {
  const { maxNewTokens, numBeams, sample, temperature, topK, topP, repetitionPenalty } = flags;
  return {
    max_new_tokens: maxNewTokens,
    num_beams: numBeams,
    do_sample: sample,
    temperature,
    top_k: topK,
    top_p: topP,
    repetition_penalty: repetitionPenalty,
    seed: flags.seed,
    ...(flags.stop && { stop: flags.stop }),
  };
}
