import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { type Problem, StageFailure } from "../../engine/diagnostic.ts";
import { splitLines } from "../../stages/artifacts/lines.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { requestedMachine } from "../device-option.ts";
import { openPredictor, type Predictor } from "../open-predictor.ts";
import { reportProblem } from "../report-problem.ts";

/** What `tunesmith predict` takes. */
export interface PredictFlags {
  /** A file with one text a line. */
  readonly file?: string;
  readonly json: boolean;
  /** How many labels of each text are shown. */
  readonly topK: number;
  /** The text that questions are about, of a model of answers. */
  readonly context?: string;
  readonly device?: string;
}

/**
 * Classifies or rates texts, or tags their words, with a saved model: those given, else the lines of a file or of stdin, as
 * they arrive; blank lines are skipped. With `--json` one object a line: text, label, score, and scores, the best
 * `topK` labels first; of a classifier of several labels text, labels and all scores; of a model of numbers text and
 * numbers; of a tagger text, words, and entities where its tags mark them; of a model of answers question, answer,
 * score, and where it stands. A question is asked of `context`, or is an object with both.
 */
export async function predict(
  context: CliContext,
  folder: string,
  texts: readonly string[],
  flags: PredictFlags,
): Promise<number> {
  const refuse = (problem: Problem, code: number) => {
    reportProblem(context, problem);
    return code;
  };
  const misuse = misuseOf(context, texts, flags);
  if (misuse !== undefined) return refuse(misuse, exitCodes.usage);
  const machine = requestedMachine(context, flags.device);
  if (!machine.ok) return refuse(machine.error, exitCodes.usage);
  try {
    await requireFolder(absolute(context, folder), folder);
    const { openDevice } = await import("../../stages/open-device.ts");
    const device = await openDevice(machine.value.device);
    const linesOf = await openPredictor(absolute(context, folder), { device, flags });
    for await (const batch of batchesOf(context, texts, flags))
      if (!(await printBatch(context, batch, linesOf))) return interrupted(context);
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof StageFailure) return refuse(error.problem, exitCodes.failed);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    return refuse({ code: "cannot-read", message: `${message}.` }, exitCodes.io);
  }
}

function misuseOf(
  { stdin }: CliContext,
  texts: readonly string[],
  { file }: PredictFlags,
): Problem | undefined {
  if (file !== undefined && texts.length > 0)
    return {
      code: "usage",
      message: "Texts are given twice: as arguments, and with --file.",
      hint: "leave one of them out",
    };
  if (file !== undefined || texts.length > 0 || !stdin.isTTY) return undefined;
  return {
    code: "usage",
    message: "There is no text to classify.",
    hint: "give texts as arguments, name a file with --file, or pipe lines in",
  };
}

async function requireFolder(path: string, shown: string): Promise<void> {
  if ((await stat(path)).isDirectory()) return;
  throw new StageFailure({
    code: "not-a-folder",
    message: `${shown} is not a folder.`,
    hint: "give the folder that a save stage wrote: the `to` of its params",
  });
}

/** Texts as soon as they are there: what comes down a pipe is answered before the pipe ends. */
async function* batchesOf(
  context: CliContext,
  texts: readonly string[],
  { file }: PredictFlags,
): AsyncGenerator<readonly string[]> {
  if (texts.length > 0) return yield texts;
  const chunks = file === undefined ? context.stdin : createReadStream(absolute(context, file));
  for await (const lines of splitLines(chunks))
    yield lines
      .map(({ bytes, number }) => textOf(bytes, number, file ?? "stdin"))
      .filter((text) => text.trim() !== "");
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function textOf(bytes: Uint8Array, line: number, source: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new StageFailure({
      code: "not-utf-8",
      message: `${source}:${line} is not UTF-8.`,
      hint: "convert the texts to UTF-8, for example with iconv",
    });
  }
}

const BATCH_TEXTS = 256;

/** Prints the line of each text; false where it was interrupted. */
async function printBatch(
  { stdout, signal }: CliContext,
  batch: readonly string[],
  linesOf: Predictor,
): Promise<boolean> {
  for (let at = 0; at < batch.length; at += BATCH_TEXTS) {
    if (signal.aborted) return false;
    const texts = batch.slice(at, at + BATCH_TEXTS);
    stdout.write((await linesOf(texts)).join(""));
  }
  return true;
}

function absolute({ cwd }: CliContext, path: string): string {
  return isAbsolute(path) ? path : join(cwd, path);
}

function interrupted({ signal }: CliContext): number {
  return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
}
