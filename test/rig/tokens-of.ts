import type { TokenSplit, Tokens } from "../../stages/artifacts/tokens.ts";

/** A row for a test: its token ids, and its label where it has one. */
export type TestRow = readonly [ids: readonly number[], label?: string];

/** Tokens with these splits; rows are called `<split>-1`, `<split>-2`, … The tokenizer is only bytes. */
export function tokensOf(
  splits: Readonly<Record<string, readonly TestRow[]>>,
  {
    vocab = 20,
    tokenizer = "{}",
    config,
  }: { vocab?: number; tokenizer?: string; config?: string } = {},
): Tokens {
  return {
    splits: new Map(Object.entries(splits).map(([name, rows]) => [name, splitOf(name, rows)])),
    facts: {
      max_length: 8,
      vocab_size: vocab,
      pad_token_id: 0,
      unk_token_id: 1,
      model_input_names: ["input_ids", "token_type_ids", "attention_mask"],
    },
    tokenizer: new Map([
      ["tokenizer.json", Buffer.from(tokenizer)],
      ...(config === undefined ? [] : [["tokenizer_config.json", Buffer.from(config)] as const]),
    ]),
  };
}

function splitOf(name: string, rows: readonly TestRow[]): TokenSplit {
  const offsets = [0];
  for (const [ids] of rows) offsets.push(offsets.at(-1)! + ids.length);
  return {
    rows: rows.map(([, label], i) => {
      const id = `${name}-${i + 1}`;
      return label === undefined ? { id } : { id, label };
    }),
    inputIds: Uint16Array.from(rows.flatMap(([ids]) => ids)),
    offsets: Uint32Array.from(offsets),
  };
}

/** A model small enough for milliseconds. */
export const tinyConfig = {
  model_type: "bert",
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 32,
  max_position_embeddings: 8,
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
} as const;

/** Rows in which token 5 means "cold" and token 9 "warm", among others that mean nothing. */
export function weather(count: number): readonly TestRow[] {
  return Array.from({ length: count }, (_, i): TestRow => {
    const filler = 10 + (i % 7);
    return i % 2 === 0 ? [[2, 5, filler, 3], "cold"] : [[2, filler, 9, filler, 3], "warm"];
  });
}
