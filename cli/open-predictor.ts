import type { Device } from "../compute/device.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import type { Question } from "../stages/answer-questions.ts";
import type { Learning } from "../stages/trained-tasks.ts";
import { answerLine } from "./text/answer-line.ts";
import {
  labelLine,
  labelSetLine,
  numberLine,
  tagLine,
  writtenLine,
} from "./text/prediction-lines.ts";

/** How texts are answered. */
export interface PredictorOptions {
  readonly device: Device;
  readonly flags: { readonly json: boolean; readonly topK: number; readonly context?: string };
}

/** Each text's line of output. */
export type Predictor = (texts: readonly string[]) => Promise<readonly string[]>;

/** What is written for a text at most; generate has a flag for it. */
const WRITTEN_TOKENS = 128;

type Open = (folder: string, options: PredictorOptions) => Promise<Predictor>;

const predictors: Readonly<Partial<Record<Learning, Open>>> = {
  "token-classification": openTagger,
  multi_label_classification: openLabelSets,
  regression: openRater,
  "question-answering": openAnswerer,
  "causal-lm": openWriter,
  "sequence-to-sequence": openWriter,
};

/** The saved model of a folder, as its config.json says what it has learnt: a classifier where that is nothing else. */
export async function openPredictor(folder: string, options: PredictorOptions): Promise<Predictor> {
  const { savedLearning } = await import("../stages/saved-learning.ts");
  const learning = await savedLearning(folder);
  if (options.flags.context !== undefined && learning !== "question-answering")
    throw new StageFailure({
      code: "context-without-effect",
      message: `The model does ${learning}; it answers no questions.`,
      hint: "leave out --context",
    });
  const open = predictors[learning] ?? openClassifier;
  return open(folder, options);
}

async function openClassifier(folder: string, { device, flags }: PredictorOptions) {
  const { openTextClassifier } = await import("../stages/classify-texts.ts");
  const classifier = await openTextClassifier(folder, device);
  return async (texts: readonly string[]) => {
    const found = await classifier.classify(texts);
    return texts.map((text, i) => labelLine(text, found[i]!.slice(0, flags.topK), flags));
  };
}

async function openLabelSets(folder: string, { device, flags }: PredictorOptions) {
  const { openTextClassifier } = await import("../stages/classify-texts.ts");
  const classifier = await openTextClassifier(folder, device);
  return async (texts: readonly string[]) => {
    const found = await classifier.classify(texts);
    return texts.map((text, i) => labelSetLine(text, found[i]!, flags));
  };
}

async function openRater(folder: string, { device, flags }: PredictorOptions) {
  const { openTextRater } = await import("../stages/rate-texts.ts");
  const rater = await openTextRater(folder, device);
  return async (texts: readonly string[]) => {
    const found = await rater.rate(texts);
    return texts.map((text, i) => numberLine(text, found[i]!, flags));
  };
}

async function openWriter(folder: string, { device, flags }: PredictorOptions) {
  const { openTextGenerator } = await import("../stages/generate-texts.ts");
  const generator = await openTextGenerator(folder, device);
  return async (texts: readonly string[]) => {
    const lines: string[] = [];
    for (const text of texts) {
      const generated = await generator.write(text, { max_new_tokens: WRITTEN_TOKENS });
      lines.push(writtenLine(text, generated, flags));
    }
    return lines;
  };
}

async function openTagger(folder: string, { device, flags }: PredictorOptions) {
  const { openTextTagger } = await import("../stages/tag-texts.ts");
  const tagger = await openTextTagger(folder, device);
  return async (texts: readonly string[]) => {
    const found = await tagger.tag(texts);
    return texts.map((text, i) => tagLine(text, found[i]!, flags));
  };
}

async function openAnswerer(folder: string, { device, flags }: PredictorOptions) {
  const { openQuestionAnswerer } = await import("../stages/answer-questions.ts");
  const answerer = await openQuestionAnswerer(folder, device);
  return async (texts: readonly string[]) => {
    const questions = texts.map((text) => questionOf(text, flags.context));
    const found = await answerer.answer(questions);
    return questions.map(({ question }, i) => answerLine(question, found[i]!, flags));
  };
}

/** A question about the context that is given for all, else an object that holds both. */
function questionOf(text: string, context: string | undefined): Question {
  if (context !== undefined) return { question: text, context };
  const given = parsed(text) as Partial<Question> | null | undefined;
  if (typeof given?.question === "string" && typeof given.context === "string")
    return given as Question;
  throw new StageFailure({
    code: "question-without-context",
    message: `There is no text in which to look for an answer: ${text.slice(0, 60)}`,
    hint: 'give the text with --context, or each question as {"question": "…", "context": "…"}',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
