import type { Tokenizer } from "@huggingface/tokenizers";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { loadTokenizer } from "./load-tokenizer.ts";
import { spellingOf } from "./spelling-of.ts";
import { type Spelling, type TextOffsets, textOffsets } from "./text-offsets.ts";

/** How long encoded texts may be. */
export interface EncodeLimits {
  /** Special tokens included. */
  readonly maxLength: number;
}

/** A text as ids. */
export interface Encoded {
  /** At most maxLength, special tokens included. */
  readonly ids: readonly number[];
  /** How many there would have been without the limit. */
  readonly fullLength: number;
}

/** Words as ids. */
export interface EncodedWords extends Encoded {
  /** For each id the number of the word that begins with it, else -1. */
  readonly begins: readonly number[];
}

/** All ids of a text, and where each stands in it. */
export interface PlacedIds extends TextOffsets {
  readonly ids: readonly number[];
}

/** What is put around a text's own ids. */
export interface Template {
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Token types of before, of each of the text's own ids, and of after; absent where all are 0. */
  readonly types?: readonly [readonly number[], number, readonly number[]];
}

/** What is put around and between the ids of two texts. */
export interface PairTemplate {
  readonly before: readonly number[];
  readonly between: readonly number[];
  readonly after: readonly number[];
  /** Token types of before, of the first text's ids, of between, of the second's, and of after. */
  readonly types: readonly [
    readonly number[],
    number,
    readonly number[],
    number,
    readonly number[],
  ];
}

/** What must be known of a tokenizer besides its ids. */
export interface EncoderFacts {
  /** One more than the largest id. */
  readonly vocabSize: number;
  readonly padId: number | null;
  readonly unknownId: number | null;
  /** Of the tokens that hide a word, and that end a text. */
  readonly maskId: number | null;
  readonly endId: number | null;
  /** Of added tokens that are no words. */
  readonly specialIds: readonly number[];
  readonly modelInputNames: readonly string[];
  readonly template: Template;
}

const WORDS_KEPT = 200_000;
const LONGEST_WORD_KEPT = 64;

/**
 * Turns texts into ids with a tokenizer, cutting as transformers does: special tokens stay, the text loses its end
 * (its beginning where truncation_side is left). Ids of words seen before are remembered.
 */
export class Encoder {
  readonly facts: EncoderFacts;
  readonly #tokenizer: Tokenizer;
  readonly #cutsLeft: boolean;
  /** Whether spaces before signs are taken out of what ids say; as in transformers 5 only where the config asks for it. */
  readonly #cleansUp: boolean;
  /** Contents of added tokens, which are found in a text before it is split into words. */
  readonly #added: readonly string[];
  readonly #addedNormalized: readonly string[];
  /** Whether each word can be encoded alone, whatever the words around it. */
  readonly #wordByWord: boolean;
  readonly #byteWords: RegExp | undefined;
  readonly #spelling: Spelling;
  readonly #words = new Map<string, readonly number[]>();

  constructor(files: TokenizerFiles) {
    const { tokenizer, config } = loadTokenizer(files);
    this.#tokenizer = tokenizer;
    const added = [...tokenizer.get_added_tokens_decoder().values()];
    this.#added = added.map(({ content }) => content);
    this.#addedNormalized = added
      .filter(({ normalized }) => normalized)
      .map(({ content }) => tokenizer.normalizer?.(content) ?? content);
    this.#wordByWord =
      !tokenizer.model!.fuse_unk && !config.remove_space && !config.do_lowercase_and_remove_accent;
    this.#byteWords = byteWordsOf(tokenizer);
    this.#spelling = spellingOf(tokenizer, (normalized) => this.#split(normalized));
    this.#cutsLeft = config.truncation_side === "left";
    this.#cleansUp = config.clean_up_tokenization_spaces === true;
    this.facts = {
      vocabSize: largestId(tokenizer) + 1,
      unknownId: tokenizer.model!.unk_token_id ?? null,
      padId: idOfNamed(tokenizer, config.pad_token),
      maskId: idOfNamed(tokenizer, config.mask_token ?? "[MASK]") ?? null,
      endId: idOfNamed(tokenizer, config.eos_token),
      specialIds: [...tokenizer.get_added_tokens_decoder()].flatMap(([id, token]) =>
        token.special ? [id] : [],
      ),
      modelInputNames: inputNames(config.model_input_names),
      template: templateOf(tokenizer),
    };
  }

  get pairTemplate(): PairTemplate {
    return pairTemplateOf(this.#tokenizer);
  }

  encode(text: string, { maxLength }: EncodeLimits): Encoded {
    const { before, after } = this.facts.template;
    const own = this.ownIds(text);
    const kept = this.#cut(own, maxLength - before.length - after.length);
    return {
      ids: [...before, ...kept, ...after],
      fullLength: own.length + before.length + after.length,
    };
  }

  /**
   * Words that are known to be words, each encoded alone, as transformers does with is_split_into_words; where the
   * tokenizer tells words apart by the space before them, each gets one.
   */
  encodeWords(words: readonly string[], { maxLength }: EncodeLimits): EncodedWords {
    const { before, after } = this.facts.template;
    const own: number[] = [];
    const begins: number[] = [];
    for (const [number, word] of words.entries())
      for (const [at, id] of this.ownIds(this.#byteWords ? ` ${word}` : word).entries()) {
        own.push(id);
        begins.push(at === 0 ? number : -1);
      }
    const room = maxLength - before.length - after.length;
    const none = (ids: readonly number[]) => ids.map(() => -1);
    return {
      ids: [...before, ...this.#cut(own, room), ...after],
      begins: [...none(before), ...this.#cut(begins, room), ...none(after)],
      fullLength: own.length + before.length + after.length,
    };
  }

  /** The ids of a text with the place of each in it; a StageFailure where the tokenizer's changes cannot be followed. */
  encodeWithOffsets(text: string): PlacedIds {
    const ids = this.ownIds(text);
    const offsets = textOffsets(text, ids, this.#spelling);
    if (offsets) return { ids, ...offsets };
    throw new StageFailure({
      code: "no-offsets",
      message: `The places of the tokenizer's tokens in this text cannot be told: ${text.slice(0, 60)}`,
      hint: "answers are found by such places; tokenizers of BERT, DistilBERT, RoBERTa and XLM-RoBERTa have them",
    });
  }

  /** Ids as text, without special tokens. */
  decode(ids: readonly number[]): string {
    if (ids.length === 0) return "";
    return this.#tokenizer.decode([...ids], {
      skip_special_tokens: true,
      clean_up_tokenization_spaces: this.#cleansUp,
    });
  }

  #cut(own: readonly number[], room: number): readonly number[] {
    if (own.length <= room) return own;
    return this.#cutsLeft ? own.slice(own.length - room) : own.slice(0, room);
  }

  /** All ids of a text, without what is put around it. */
  ownIds(text: string): readonly number[] {
    const tokenizer = this.#tokenizer;
    const holds = (content: string) => text.includes(content);
    if (!this.#wordByWord || this.#added.some(holds)) return this.#wholeTextIds(text);
    const normalized = tokenizer.normalizer === null ? text : tokenizer.normalizer(text);
    if (normalized === "") return [];
    if (this.#addedNormalized.some((content) => normalized.includes(content)))
      return this.#wholeTextIds(text);
    const ids: number[] = [];
    for (const word of this.#split(normalized)) for (const id of this.#wordIds(word)) ids.push(id);
    return ids;
  }

  #split(normalized: string): readonly string[] {
    if (this.#byteWords) return normalized.match(this.#byteWords) ?? [];
    const preTokenizer = this.#tokenizer.pre_tokenizer;
    return preTokenizer === null ? [normalized] : preTokenizer(normalized, { section_index: 0 });
  }

  #wholeTextIds(text: string): readonly number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  #wordIds(word: string): readonly number[] {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    const { model, pre_tokenizer: preTokenizer } = this.#tokenizer;
    const whole = this.#byteWords ? preTokenizer!(word).join("") : word;
    const ids = model!([whole]).map((piece: string) => idOf(this.#tokenizer, piece));
    if (this.#words.size >= WORDS_KEPT) this.#words.clear();
    if (word.length <= LONGEST_WORD_KEPT) this.#words.set(word, ids);
    return ids;
  }
}

/**
 * How a byte-level tokenizer finds words, where nothing but that and the spelling of bytes happens to a word: the
 * words are then looked up before their bytes are spelled, which takes most of the time.
 */
function byteWordsOf({ pre_tokenizer }: Tokenizer): RegExp | undefined {
  const part = pre_tokenizer as Partial<{
    config: { type: string };
    add_prefix_space: boolean;
    use_regex: boolean;
    pattern: RegExp;
  }> | null;
  const isPlain = part?.config?.type === "ByteLevel" && part.use_regex && !part.add_prefix_space;
  return isPlain ? part.pattern : undefined;
}

/** Encodes a stand-in for a text to see what is put around it. */
function templateOf(tokenizer: Tokenizer): Template {
  const text = "\u0000text\u0000";
  const { tokens, token_type_ids: types = [] } = tokenizer.post_processor?.([text], null, true) ?? {
    tokens: [text],
  };
  const at = tokens.indexOf(text);
  const ids = (pieces: readonly string[]) => pieces.map((piece) => idOf(tokenizer, piece));
  const around = { before: ids(tokens.slice(0, at)), after: ids(tokens.slice(at + 1)) };
  if (types.every((type: number) => type === 0)) return around;
  return { ...around, types: [types.slice(0, at), types[at]!, types.slice(at + 1)] };
}

/** Encodes stand-ins for two texts. */
function pairTemplateOf(tokenizer: Tokenizer): PairTemplate {
  const [first, second] = ["\u0000first\u0000", "\u0000second\u0000"];
  const joined = { tokens: [first, second], token_type_ids: [0, 0] };
  const { tokens, token_type_ids: given } =
    tokenizer.post_processor?.([first], [second], true) ?? joined;
  const processor = tokenizer.post_processor as unknown as { config?: { type?: string } } | null;
  const hasTypes = processor?.config?.type !== "RobertaProcessing"; // has none in Rust's tokenizers
  const types: readonly number[] = hasTypes && given ? given : tokens.map(() => 0);
  const [a, b] = [tokens.indexOf(first), tokens.indexOf(second)];
  const ids = (from: number, to?: number) =>
    tokens.slice(from, to).map((piece: string) => idOf(tokenizer, piece));
  return {
    before: ids(0, a),
    between: ids(a + 1, b),
    after: ids(b + 1),
    types: [types.slice(0, a), types[a]!, types.slice(a + 1, b), types[b]!, types.slice(b + 1)],
  };
}

function idOf(tokenizer: Tokenizer, piece: string): number {
  const id = tokenizer.token_to_id(piece) ?? tokenizer.model?.unk_token_id;
  if (id !== undefined) return id;
  throw new StageFailure({
    code: "unusable-tokenizer",
    message: `The tokenizer makes the token "${piece}", which its vocabulary does not have, nor an unknown token.`,
    hint: "tokenizer.json is damaged, or belongs to another vocabulary",
  });
}

/** Ids may have holes: added tokens need not follow the vocabulary. */
function largestId(tokenizer: Tokenizer): number {
  let largest = -1;
  for (const id of tokenizer.model!.tokens_to_ids.values()) if (id > largest) largest = id;
  return largest;
}

/** The id of a token named in tokenizer_config.json, as a string or as an object with its content. */
function idOfNamed(tokenizer: Tokenizer, token: unknown): number | null {
  const content =
    typeof token === "object" && token !== null && "content" in token ? token.content : token;
  return typeof content === "string" ? (tokenizer.token_to_id(content) ?? null) : null;
}

function inputNames(names: unknown): readonly string[] {
  const isList = Array.isArray(names) && names.every((name) => typeof name === "string");
  return isList ? names : ["input_ids", "token_type_ids", "attention_mask"];
}
