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
  const vocabulary = [...SPECIAL, ...words];
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({ id, content, ...flags, special: true })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: {
      type: "WordPiece",
      unk_token: "<unk>",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
  const named = { pad_token: "<pad>", eos_token: "</s>", unk_token: "<unk>", ...config };
  return new Map([
    ["tokenizer.json", Buffer.from(JSON.stringify(json))],
    ["tokenizer_config.json", Buffer.from(JSON.stringify(named))],
  ]);
}
