import type { ConfigJson } from "../../models/config-json.ts";

const sizes = {
  vocab_size: 8,
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 6,
  max_position_embeddings: 5,
};

const decoder = { ...sizes, hidden_size: 8, intermediate_size: 6 };

/** A configuration of each family with one layer, by `model_type`. */
export const smallConfigs: Readonly<Record<string, ConfigJson>> = {
  bert: sizes,
  roberta: { ...sizes, max_position_embeddings: 7 },
  distilbert: {
    vocab_size: 8,
    dim: 4,
    n_layers: 1,
    n_heads: 2,
    hidden_dim: 6,
    max_position_embeddings: 5,
  },
  gpt2: { vocab_size: 8, n_embd: 4, n_layer: 1, n_head: 2, n_positions: 5 },
  llama: { ...decoder, num_key_value_heads: 1, tie_word_embeddings: true, attention_dropout: 0.1 },
  qwen2: { ...decoder, num_key_value_heads: 2, attention_dropout: 0.1 },
  t5: {
    vocab_size: 8,
    d_model: 6,
    d_kv: 4,
    d_ff: 5,
    num_layers: 1,
    num_heads: 2,
    relative_attention_num_buckets: 8,
    relative_attention_max_distance: 6,
  },
  qwen3: { ...decoder, num_key_value_heads: 1, head_dim: 4, attention_dropout: 0.1 },
};

/** Families that compute what another one does, with the name of that one. */
export const twins: Readonly<Record<string, string>> = {
  "xlm-roberta": "roberta",
  mistral: "llama",
};
