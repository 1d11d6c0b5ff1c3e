import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { byCodeUnit } from "../by-code-unit.ts";
import { byteCharacters } from "./byte-characters.ts";
import { type Pair, PieceMerger } from "./piece-merger.ts";
import { jsonFile, withVocabulary } from "./tokenizer-json.ts";

/** The special tokens of a byte-level tokenizer in the order of their ids, which are T5's. */
export const BYTE_LEVEL_SPECIAL = ["<pad>", "</s>"] as const;

/** What byte-level BPE learned. */
export interface ByteLevelVocabulary {
  /** One character for each byte, then what was merged, in its order. */
  readonly pieces: readonly string[];
  /** The two pieces of each merge, in their order. */
  readonly merges: readonly (readonly [string, string])[];
}

/**
 * Byte-level BPE for words, as byte characters, with their counts: again and again the pair of neighbouring pieces that
 * occurs most often becomes a piece; among equals that of the pieces that came first. As Rust's tokenizers learn it.
 * https://aclanthology.org/P16-1162
 */
export function learnMerges(
  wordCounts: ReadonlyMap<string, number>,
  { size, minFrequency }: { readonly size: number; readonly minFrequency: number },
): ByteLevelVocabulary {
  const alphabet = [...byteCharacters].sort(byCodeUnit);
  const ids = new Map(alphabet.map((character, id) => [character, id]));
  const words = [...wordCounts].map(([word, count]) => ({
    pieces: Array.from(word, (character) => ids.get(character)!),
    count,
  }));
  const merger = new PieceMerger(alphabet, words, {
    merged: (left, right) => left + right,
    isBefore: (a: Pair, b: Pair) => (a.left === b.left ? a.right < b.right : a.left < b.left),
  });
  const merges: (readonly [string, string])[] = [];
  while (merger.pieces.length < size) {
    const pair = merger.mergeBest(minFrequency);
    if (pair === undefined) break;
    merges.push([merger.pieces[pair.left]!, merger.pieces[pair.right]!]);
  }
  return { pieces: merger.pieces, merges };
}

const NAMED_TOKENS = { eos_token: "</s>", pad_token: "<pad>" };

/** The files of a byte-level tokenizer, with a token that ends texts and one for padding; every text can be written with it. */
export function byteLevelFiles({ pieces, merges }: ByteLevelVocabulary): TokenizerFiles {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  const model = {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: {},
    merges,
  };
  const parts = {
    normalizer: null,
    pre_tokenizer: { ...byteLevel, use_regex: true },
    post_processor: null,
    decoder: { ...byteLevel, use_regex: true },
    model,
  };
  const config = {
    ...NAMED_TOKENS,
    clean_up_tokenization_spaces: false,
    model_input_names: ["input_ids", "attention_mask"],
    tokenizer_class: "PreTrainedTokenizerFast",
  };
  return new Map([
    ["tokenizer.json", withVocabulary(parts, BYTE_LEVEL_SPECIAL, pieces)],
    ["tokenizer_config.json", jsonFile(config)],
    ["special_tokens_map.json", jsonFile(NAMED_TOKENS)],
  ]);
}
