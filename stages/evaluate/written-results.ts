import { bleu } from "../../training/bleu.ts";
import { chrf } from "../../training/chrf.ts";
import type { EvaluationOptions } from "../../training/evaluate.ts";
import { generate, openDecoder } from "../../training/generate.ts";
import { measureLanguageModel } from "../../training/language-model.ts";
import type { Metrics, WrittenPrediction } from "../artifacts/metrics.ts";
import { type TokenSplit, Written } from "../artifacts/tokens.ts";
import { endTokens } from "../end-tokens.ts";
import { BatchEncoder } from "../tokenize/batch-encoder.ts";
import type { MeasuredSplit } from "./classification-results.ts";
import type { EvaluateParams } from "./evaluate.ts";

/**
 * The results of a model that writes: loss and perplexity of what was to be written, and, where rows have completions
 * or targets, what the model writes itself, compared with them.
 */
export async function writtenResults(
  measured: MeasuredSplit,
  options: EvaluationOptions & EvaluateParams,
): Promise<Metrics> {
  const { split, rows, tokens } = measured;
  const numbers = await measureLanguageModel(rows, options);
  const isCompared =
    options.predict_with_generate && tokens.rows.every(({ reference }) => reference !== undefined);
  const predictions = isCompared ? await writeAll(measured, options) : [];
  return {
    metrics: { ...numbers, ...(isCompared && scoresOf(predictions)), rows: rows.rowIds.length },
    report: { split, labels: [], classes: [], confusion: [] },
    predictions,
  };
}

function scoresOf(predictions: readonly WrittenPrediction[]): Record<string, number> {
  const texts = predictions.map(({ prediction }) => prediction);
  const references = predictions.map(({ reference }) => reference);
  const equal = predictions.filter((one) => one.prediction.trim() === one.reference.trim());
  return {
    exact_match: equal.length / predictions.length,
    bleu: bleu(texts, references),
    chrf: chrf(texts, references),
  };
}

/** What the model writes for each row, in the order of the rows. */
async function writeAll(
  { tokens, tokenizer, config }: MeasuredSplit,
  options: EvaluationOptions & EvaluateParams,
): Promise<readonly WrittenPrediction[]> {
  const encoder = new BatchEncoder(tokenizer, { maxLength: 1 });
  const { max_new_tokens, num_beams, length_penalty, repetition_penalty, signal } = options;
  const given = {
    max_new_tokens,
    num_beams,
    length_penalty,
    repetition_penalty,
    eos_token_ids: endTokens(config, encoder.facts),
    ...(signal && { signal }),
  };
  const decoder = openDecoder(options);
  const written = new Map<number, string>();
  try {
    for (const row of byPromptLength(tokens)) {
      const prompt = promptOf(tokens, row);
      const hasRoom = tokens.targets !== undefined || prompt.length < options.model.maxLength;
      const found = hasRoom ? await generate(decoder, prompt, given) : [];
      written.set(row, encoder.decodeAfter(tokens.targets ? [] : prompt, found));
      options.onProgress?.(written.size, tokens.rows.length);
    }
  } finally {
    await decoder.release();
  }
  return tokens.rows.map(({ id, reference }, row) => {
    return { id, reference: reference!, prediction: written.get(row)! };
  });
}

/** Prompts of one length use one compiled graph. */
function byPromptLength(tokens: TokenSplit): readonly number[] {
  const lengths = tokens.rows.map((_, row) => promptOf(tokens, row).length);
  return [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b);
}

/** The tokens that a model is given: a source, or a row up to where its completion begins. */
function promptOf({ inputIds, offsets, written }: TokenSplit, row: number): readonly number[] {
  const [begin, end] = [offsets[row]!, offsets[row + 1]!];
  const own = written?.subarray(begin, end).indexOf(Written.own) ?? -1;
  return [...inputIds.subarray(begin, own < 0 ? end : begin + own)];
}
