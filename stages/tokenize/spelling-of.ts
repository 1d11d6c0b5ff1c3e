import type { Tokenizer } from "@huggingface/tokenizers";
import type { Spelling } from "./text-offsets.ts";

interface Part {
  readonly config?: { readonly type?: string; readonly continuing_subword_prefix?: string };
  readonly tokenizers?: readonly (Part | null)[];
}

/** How a tokenizer spells texts; `split` divides a normalized text into words. */
export function spellingOf(
  tokenizer: Tokenizer,
  split: (normalized: string) => readonly string[],
): Spelling {
  const pieces = new Map<number, string>();
  for (const [piece, id] of tokenizer.model!.tokens_to_ids) pieces.set(id, piece);
  const added = tokenizer.get_added_tokens_decoder();
  const { config } = tokenizer.model as unknown as Part;
  return {
    normalize: (text) => tokenizer.normalizer?.(text) ?? text,
    split,
    isByteLevel: isByteLevel(tokenizer.pre_tokenizer as unknown as Part | null),
    continuing: config?.type === "WordPiece" ? (config.continuing_subword_prefix ?? "##") : "",
    pieceOf: (id) => (id === tokenizer.model!.unk_token_id ? undefined : pieces.get(id)),
    addedOf: (id) => (id === tokenizer.model!.unk_token_id ? undefined : added.get(id)?.content),
  };
}

function isByteLevel(part: Part | null): boolean {
  if (part === null) return false;
  return part.config?.type === "ByteLevel" || (part.tokenizers ?? []).some(isByteLevel);
}
