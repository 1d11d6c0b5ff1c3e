import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import type { BertNormalizerConfig } from "../tokenize/bert-words.ts";
import { CONTINUING } from "./learn-vocabulary.ts";
import { jsonFile, withVocabulary } from "./tokenizer-json.ts";

/** BERT's special tokens in the order of their ids. */
export const SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

/** A longer word is unknown as a whole. */
export const MAX_WORD_CHARACTERS = 100;

const NAMED_TOKENS = {
  cls_token: "[CLS]",
  mask_token: "[MASK]",
  pad_token: "[PAD]",
  sep_token: "[SEP]",
  unk_token: "[UNK]",
};

/** The files of a BERT tokenizer whose ids are the special tokens', then the pieces' in their order. */
export function wordPieceFiles(
  pieces: readonly string[],
  normalizer: BertNormalizerConfig,
): TokenizerFiles {
  const { lowercase, strip_accents, handle_chinese_chars } = normalizer;
  const config = {
    ...NAMED_TOKENS,
    do_lower_case: lowercase,
    model_input_names: ["input_ids", "token_type_ids", "attention_mask"],
    strip_accents,
    tokenize_chinese_chars: handle_chinese_chars,
    tokenizer_class: "BertTokenizer",
  };
  return new Map([
    ["tokenizer.json", withVocabulary(partsOf(normalizer), SPECIAL_TOKENS, pieces)],
    ["tokenizer_config.json", jsonFile(config)],
    ["special_tokens_map.json", jsonFile(NAMED_TOKENS)],
  ]);
}

function partsOf(normalizer: BertNormalizerConfig) {
  return {
    normalizer: { type: "BertNormalizer", ...normalizer },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: postProcessor(),
    decoder: { type: "WordPiece", prefix: CONTINUING, cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: CONTINUING,
      max_input_chars_per_word: MAX_WORD_CHARACTERS,
      vocab: {},
    },
  };
}

function postProcessor() {
  const special = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const single = [special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)];
  const entry = (token: (typeof SPECIAL_TOKENS)[number]) => [
    token,
    { id: token, ids: [SPECIAL_TOKENS.indexOf(token)], tokens: [token] },
  ];
  return {
    type: "TemplateProcessing",
    single,
    pair: [...single, sequence("B", 1), special("[SEP]", 1)],
    special_tokens: Object.fromEntries([entry("[CLS]"), entry("[SEP]")]),
  };
}
