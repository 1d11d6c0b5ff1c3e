import type { ConfigJson } from "../../models/config-json.ts";

const sizes = {
  vocab_size: 8,
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 6,
  max_position_embeddings: 5,
};

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
};

/** Families that compute what another one does, with the name of that one. */
export const twins: Readonly<Record<string, string>> = { "xlm-roberta": "roberta" };
