/** The fields of a tokenizer.json's BertNormalizer. */
export interface BertNormalizerConfig {
  readonly clean_text: boolean;
  readonly handle_chinese_chars: boolean;
  /** Null: as `lowercase` says. */
  readonly strip_accents: boolean | null;
  readonly lowercase: boolean;
}

const PLAIN = /^[ -~]*$/;
const OTHER = /[^\P{Cc}\t\n\r]|[\p{Cf}\p{Co}\ufffd]/gu;
const IDEOGRAPH =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/**
 * Text as BERT normalizes it before it is split: controls away, white space to spaces, spaces around ideographs,
 * accents off, lowercase. The same characters as Rust's tokenizers give, also for ideographs beyond U+FFFF and for
 * capital sigma, where @huggingface/tokenizers 0.2 differs; not for characters that Unicode 8 did not have and the
 * running V8 has. https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/normalizers/bert.rs
 */
export function bertNormalize(text: string, config: BertNormalizerConfig): string {
  if (PLAIN.test(text)) return config.lowercase ? text.toLowerCase() : text;
  if (config.clean_text) text = text.replaceAll(OTHER, "").replaceAll(/\s/g, " ");
  if (config.handle_chinese_chars) text = text.replaceAll(IDEOGRAPH, " $& ");
  if (config.strip_accents ?? config.lowercase)
    text = text.normalize("NFD").replaceAll(/\p{Mn}/gu, "");
  // only of a capital sigma toLowerCase looks at the letters around it
  return config.lowercase ? text.replaceAll("Σ", "σ").toLowerCase() : text;
}

/** Normalized text as BERT splits it: at white space, each punctuation character a word of its own. */
export function bertWords(text: string): readonly string[] {
  return text.match(/[^\s\p{P}!-/:-@[-`{-~]+|[\p{P}!-/:-@[-`{-~]/gu) ?? [];
}
