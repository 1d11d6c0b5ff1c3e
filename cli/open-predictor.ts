import type { Device } from "../compute/device.ts";
import type { Learning } from "../stages/trained-tasks.ts";
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
  readonly flags: { readonly json: boolean; readonly topK: number };
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
  "causal-lm": openWriter,
  "sequence-to-sequence": openWriter,
};

/** The saved model of a folder, as its config.json says what it has learnt: a classifier where that is nothing else. */
export async function openPredictor(folder: string, options: PredictorOptions): Promise<Predictor> {
  const { savedLearning } = await import("../stages/saved-learning.ts");
  const open = predictors[await savedLearning(folder)] ?? openClassifier;
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
