/** The special tokens of a word tokenizer in the order of their ids. */
const SPECIAL = ["<pad>", "</s>", "<unk>"];

/**
 * The files of a tokenizer of words between spaces: <pad> is 0, </s> 1, <unk> 2, the first word 3. `config` is
 * added to its tokenizer_config.json; null there takes a token away.
 */
export function wordTokenizer(
  words: readonly string[],
  config: Readonly<Record<string, unknown>> = {},
): ReadonlyMap<string, Uint8Array> {
  const named = {
    pad_token: "<pad>",
    eos_token: "</s>",
    unk_token: "<unk>",
    tokenizer_class: "PreTrainedTokenizerFast",
    ...config,
  };
  return filesOf([...SPECIAL, ...words], { special: SPECIAL, unknown: "<unk>", config: named });
}

/** The files of a tokenizer whose words are their own ids: 0, 1, …, `count` - 1. It has no special tokens. */
export function numberTokenizer(count: number): ReadonlyMap<string, Uint8Array> {
  const numbers = Array.from({ length: count }, (_, id) => String(id));
  return filesOf(numbers, { special: [], unknown: "0", config: {} });
}

function filesOf(
  vocabulary: readonly string[],
  { special, unknown, config }: { special: readonly string[]; unknown: string; config: object },
): ReadonlyMap<string, Uint8Array> {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({ id, content, ...flags, special: true })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: {
      type: "WordPiece",
      unk_token: unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
  return new Map([
    ["tokenizer.json", Buffer.from(JSON.stringify(json))],
    ["tokenizer_config.json", Buffer.from(JSON.stringify(config))],
  ]);
}
