import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPort, Json, StageContext } from "../../engine/stage.ts";
import type { dataset, Row } from "../artifacts/dataset.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { type BertNormalizerConfig, bertNormalize, bertWords } from "../tokenize/bert-words.ts";
import { loadTokenizer } from "../tokenize/load-tokenizer.ts";
import { learnVocabulary } from "./learn-vocabulary.ts";
import type { TrainTokenizerParams } from "./train-tokenizer.ts";
import { MAX_WORD_CHARACTERS, SPECIAL_TOKENS, wordPieceFiles } from "./word-piece-files.ts";

type Context = StageContext<TrainTokenizerParams, { dataset: InputPort<typeof dataset> }>;

const EXAMPLES = 3;

/** Learns the vocabulary of the splits it is given, with a report of how it covers them. */
export async function trainTokenizerFiles({
  params,
  inputs,
  signal,
  progress,
  metric,
}: Context): Promise<{ tokenizer: TokenizerFiles; report: Json }> {
  const { splits } = await inputs.dataset.read();
  const rows = [...splits.values()].flat();
  const normalizer: BertNormalizerConfig = {
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: params.strip_accents,
    lowercase: params.lowercase,
  };
  const wordsOf = (text: string) => bertWords(bertNormalize(text, normalizer));
  const counts = countWords(rows, wordsOf);
  if (counts.size === 0) throw noWords(rows.length);
  signal.throwIfAborted();
  progress({ done: rows.length, total: rows.length, unit: "rows" });

  const learnable = [...counts].filter(([word]) => Array.from(word).length <= MAX_WORD_CHARACTERS);
  const size = params.vocab_size - SPECIAL_TOKENS.length;
  const { pieces, droppedCharacters } = learnVocabulary(new Map(learnable), {
    size,
    minFrequency: params.min_frequency,
  });
  const files = wordPieceFiles(pieces, normalizer);
  const { model } = loadTokenizer(files).tokenizer;
  const piecesOf = (word: string) => model!.encode([word]);
  const coverage = coverageOf(counts, piecesOf);
  metric("vocab_size", SPECIAL_TOKENS.length + pieces.length);
  metric("tokens_per_word", coverage.tokens_per_word);
  metric("unknown_rate", coverage.unknown_rate);
  return {
    tokenizer: files,
    report: {
      vocab_size: SPECIAL_TOKENS.length + pieces.length,
      texts: rows.length,
      ...coverage,
      characters_without_room: droppedCharacters,
      examples: rows.slice(0, EXAMPLES).map(({ id, text }) => ({
        id,
        text,
        tokens: wordsOf(text).flatMap(piecesOf),
      })),
    },
  };
}

function countWords(
  rows: readonly Row[],
  wordsOf: (text: string) => readonly string[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { text } of rows)
    for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function coverageOf(counts: ReadonlyMap<string, number>, piecesOf: (word: string) => string[]) {
  let words = 0;
  let tokens = 0;
  let unknown = 0;
  let whole = 0;
  for (const [word, count] of counts) {
    const pieces = piecesOf(word);
    words += count;
    tokens += count * pieces.length;
    if (pieces[0] === "[UNK]") unknown += count;
    else if (pieces.length === 1) whole += count;
  }
  return {
    words,
    distinct_words: counts.size,
    tokens,
    tokens_per_word: tokens / words,
    whole_word_rate: whole / words,
    unknown_rate: unknown / tokens,
  };
}

function noWords(rows: number): StageFailure {
  return new StageFailure({
    code: "no-words",
    message: `There is no word in the ${rows} rows to learn a vocabulary from.`,
    hint: "the split train is read, unless the reference names another: in: STAGE.SPLIT",
  });
}
