import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPort, Json, StageContext } from "../../engine/stage.ts";
import type { dataset, Row } from "../artifacts/dataset.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { bertNormalize, bertWords } from "../tokenize/bert-words.ts";
import { BYTE_LEVEL_WORDS, loadTokenizer } from "../tokenize/load-tokenizer.ts";
import { asByteCharacters } from "./byte-characters.ts";
import { BYTE_LEVEL_SPECIAL, byteLevelFiles, learnMerges } from "./byte-level-files.ts";
import { learnVocabulary, type Vocabulary, type VocabularyLimits } from "./learn-vocabulary.ts";
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
  const { wordsOf, special, learn } = params.algorithm === "bpe" ? byteLevel() : wordPiece(params);
  const counts = countWords(rows, wordsOf);
  if (counts.size === 0) throw noWords(rows.length);
  signal.throwIfAborted();
  progress({ done: rows.length, total: rows.length, unit: "rows" });

  const { pieces, droppedCharacters, files } = learn(counts, {
    size: params.vocab_size - special.length,
    minFrequency: params.min_frequency,
  });
  const { model } = loadTokenizer(files).tokenizer;
  const piecesOf = (word: string) => model!.encode([word]);
  const coverage = coverageOf(counts, piecesOf);
  metric("vocab_size", special.length + pieces.length);
  metric("tokens_per_word", coverage.tokens_per_word);
  metric("unknown_rate", coverage.unknown_rate);
  return {
    tokenizer: files,
    report: {
      vocab_size: special.length + pieces.length,
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

/** How a kind of tokenizer is learned. */
interface Algorithm {
  readonly special: readonly string[];
  /** The words of a text, as the vocabulary spells them. */
  wordsOf(text: string): readonly string[];
  learn(
    counts: ReadonlyMap<string, number>,
    limits: VocabularyLimits,
  ): Vocabulary & {
    readonly files: TokenizerFiles;
  };
}

function wordPiece({ strip_accents, lowercase }: TrainTokenizerParams): Algorithm {
  const normalizer = { clean_text: true, handle_chinese_chars: true, strip_accents, lowercase };
  return {
    special: SPECIAL_TOKENS,
    wordsOf: (text) => bertWords(bertNormalize(text, normalizer)),
    learn(counts, limits) {
      const isShort = (word: string) => Array.from(word).length <= MAX_WORD_CHARACTERS;
      const learned = learnVocabulary(
        new Map([...counts].filter(([word]) => isShort(word))),
        limits,
      );
      return { ...learned, files: wordPieceFiles(learned.pieces, normalizer) };
    },
  };
}

function byteLevel(): Algorithm {
  return {
    special: BYTE_LEVEL_SPECIAL,
    wordsOf: (text) => (text.match(BYTE_LEVEL_WORDS) ?? []).map(asByteCharacters),
    learn(counts, limits) {
      const learned = learnMerges(counts, limits);
      const { pieces } = learned;
      return { pieces, droppedCharacters: [], files: byteLevelFiles(learned) };
    },
  };
}

function countWords(
  rows: readonly Row[],
  wordsOf: (text: string) => readonly string[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { text, completion = "", target = "", question = "" } of rows)
    for (const part of [text, completion, target, question])
      for (const word of wordsOf(part)) counts.set(word, (counts.get(word) ?? 0) + 1);
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
