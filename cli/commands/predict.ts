import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { type Problem, StageFailure } from "../../engine/diagnostic.ts";
import { splitLines } from "../../stages/artifacts/lines.ts";
import type { LabelScore, TextClassifier } from "../../stages/classify-texts.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { machineFacts } from "../machine-facts.ts";
import { reportProblem } from "../report-problem.ts";
import { printableLine } from "../text/printable.ts";

/** What `tunesmith predict` takes. */
export interface PredictFlags {
  /** A file with one text a line. */
  readonly file?: string;
  readonly json: boolean;
  /** How many labels of each text are shown. */
  readonly topK: number;
  readonly device: string;
}

/**
 * Classifies texts with a saved model: those given, else the lines of a file or of stdin, as they arrive; blank lines
 * are skipped. With `--json` one object a line: text, label, score, and scores, the best `topK` labels first.
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
  const machine = machineFacts(flags.device);
  if (!machine.ok) return refuse(machine.error, exitCodes.usage);
  try {
    await requireFolder(absolute(context, folder), folder);
    const { openDevice } = await import("../../stages/open-device.ts");
    const { openTextClassifier } = await import("../../stages/classify-texts.ts");
    const device = await openDevice(machine.value.device);
    const classifier = await openTextClassifier(absolute(context, folder), device);
    for await (const batch of batchesOf(context, texts, flags))
      if (!(await classifyBatch(context, classifier, { batch, flags })))
        return interrupted(context);
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

/** Prints the labels of each text; false where it was interrupted. */
async function classifyBatch(
  { stdout, signal }: CliContext,
  classifier: TextClassifier,
  { batch, flags }: { batch: readonly string[]; flags: PredictFlags },
): Promise<boolean> {
  for (let at = 0; at < batch.length; at += BATCH_TEXTS) {
    if (signal.aborted) return false;
    const texts = batch.slice(at, at + BATCH_TEXTS);
    const found = await classifier.classify(texts);
    const lineOf = flags.json ? jsonLine : plainLine;
    stdout.write(texts.map((text, i) => lineOf(text, found[i]!.slice(0, flags.topK))).join(""));
  }
  return true;
}

function jsonLine(text: string, scores: readonly LabelScore[]): string {
  // More digits would differ with the texts that happen to share a batch.
  const rounded = scores.map(({ label, score }) => [label, Number(score.toPrecision(6))] as const);
  const [label, score] = rounded[0]!;
  return `${JSON.stringify({ text, label, score, scores: Object.fromEntries(rounded) })}\n`;
}

function plainLine(text: string, scores: readonly LabelScore[]): string {
  const shown = scores.map(({ label, score }) => `${printableLine(label)} ${score.toFixed(3)}`);
  return `${shown.join("  ")}\t${printableLine(text)}\n`;
}

function absolute({ cwd }: CliContext, path: string): string {
  return isAbsolute(path) ? path : join(cwd, path);
}

function interrupted({ signal }: CliContext): number {
  return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
}
