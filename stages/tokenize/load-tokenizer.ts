import { Tokenizer } from "@huggingface/tokenizers";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { type BertNormalizerConfig, bertNormalize } from "./bert-words.ts";

/** A tokenizer and the settings beside it that its ids do not depend on. */
export interface LoadedTokenizer {
  readonly tokenizer: Tokenizer;
  /** tokenizer_config.json, completed by special_tokens_map.json. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * The tokenizer of the files, giving the ids of Rust's tokenizers where @huggingface/tokenizers 0.2 differs
 * (see bertNormalize and BYTE_LEVEL_WORDS). Files that are no tokenizer are a StageFailure. Its regular expressions
 * may come from strangers and run on V8: call it only where a deadline can end it.
 */
export function loadTokenizer(files: TokenizerFiles): LoadedTokenizer {
  const json = parsed(files, "tokenizer.json");
  const config = {
    ...parsed(files, "special_tokens_map.json"),
    ...parsed(files, "tokenizer_config.json"),
  };
  try {
    const tokenizer = new Tokenizer(json, config);
    correctNormalizer(tokenizer.normalizer);
    correctPreTokenizer(tokenizer.pre_tokenizer);
    return { tokenizer, config };
  } catch (error) {
    throw new StageFailure({
      code: "unusable-tokenizer",
      message: `tokenizer.json cannot be used: ${(error as Error).message}`,
      hint: "it must be the tokenizer.json of a Hugging Face fast tokenizer",
    });
  }
}

function parsed(files: TokenizerFiles, name: string): Record<string, unknown> {
  const bytes = files.get(name);
  if (bytes === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new StageFailure({
      code: "invalid-json",
      message: `${name} is not JSON: ${(error as Error).message}.`,
      hint: "the file may be damaged or only partly downloaded: fetch it again",
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new StageFailure({ code: "invalid-json", message: `${name} does not hold an object.` });
}

interface Normalizer {
  readonly config?: { readonly type?: string };
  readonly normalizers?: readonly (Normalizer | null)[];
  normalize(text: string): string;
}

function correctNormalizer(normalizer: unknown): void {
  const part = normalizer as Normalizer | null;
  if (part === null) return;
  for (const inner of part.normalizers ?? []) correctNormalizer(inner);
  if (part.config?.type !== "BertNormalizer") return;
  const config = part.config as BertNormalizerConfig;
  part.normalize = (text) => bertNormalize(text, config);
}

/** GPT-2's words, with Unicode's white space as Rust's \s has it: JavaScript's lacks U+0085 and has U+FEFF. */
export const BYTE_LEVEL_WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

interface PreTokenizer {
  readonly config?: { readonly type?: string };
  readonly tokenizers?: readonly (PreTokenizer | null)[];
  pattern?: RegExp;
}

function correctPreTokenizer(preTokenizer: unknown): void {
  const part = preTokenizer as PreTokenizer | null;
  if (part === null) return;
  for (const inner of part.tokenizers ?? []) correctPreTokenizer(inner);
  if (part.config?.type === "ByteLevel") part.pattern = BYTE_LEVEL_WORDS;
}
