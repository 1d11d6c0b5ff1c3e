import {
  type ConfigJson,
  fieldError,
  layerCount,
  numberBetween,
  oneOf,
  positiveInteger,
  requireUnset,
  tokenIdOrNull,
} from "./config-json.ts";
import type { activations } from "./layers.ts";

/** The fields of config.json, as far as they change the numbers. */
export interface T5Config {
  readonly vocab_size: number;
  readonly d_model: number;
  readonly d_kv: number;
  readonly d_ff: number;
  readonly num_layers: number;
  readonly num_decoder_layers: number;
  readonly num_heads: number;
  readonly relative_attention_num_buckets: number;
  readonly relative_attention_max_distance: number;
  readonly dropout_rate: number;
  readonly layer_norm_epsilon: number;
  readonly initializer_factor: number;
  /** Both from feed_forward_proj. */
  readonly activation: keyof typeof activations;
  readonly isGated: boolean;
  readonly tie_word_embeddings: boolean;
  readonly scale_decoder_outputs: boolean;
  readonly pad_token_id: number;
  readonly decoder_start_token_id: number;
}

/** The configuration with transformers' defaults. */
export function readT5Config(json: ConfigJson): T5Config {
  requireUnset(json, { quantization_config: null, is_decoder: false });
  const projection = oneOf(json, "feed_forward_proj", [
    "relu",
    "gated-gelu",
    "gated-silu",
    "gated-relu",
    "gelu",
    "gelu_new",
    "silu",
  ]);
  const name = projection.replace("gated-", "");
  const layers = layerCount(json, "num_layers", 6);
  const buckets = positiveInteger(json, "relative_attention_num_buckets", 32);
  const padding = tokenIdOrNull(json, "pad_token_id", 0) ?? 0;
  const isTied = json.tie_word_embeddings !== false && json.scale_decoder_outputs !== false;
  const config: T5Config = {
    vocab_size: positiveInteger(json, "vocab_size", 32_128),
    d_model: positiveInteger(json, "d_model", 512),
    d_kv: positiveInteger(json, "d_kv", 64),
    d_ff: positiveInteger(json, "d_ff", 2048),
    num_layers: layers,
    num_decoder_layers: layerCount(json, "num_decoder_layers", layers),
    num_heads: positiveInteger(json, "num_heads", 8),
    relative_attention_num_buckets: buckets,
    relative_attention_max_distance: positiveInteger(json, "relative_attention_max_distance", 128),
    dropout_rate: numberBetween(json, "dropout_rate", { low: 0, high: 1, preset: 0.1 }),
    layer_norm_epsilon: numberBetween(json, "layer_norm_epsilon", {
      low: 0,
      high: 1,
      preset: 1e-6,
    }),
    initializer_factor: numberBetween(json, "initializer_factor", { low: 0, high: 10, preset: 1 }),
    // "gated-gelu" has always meant the approximate one.
    activation: (projection === "gated-gelu" ? "gelu_new" : name) as keyof typeof activations,
    isGated: projection !== name,
    // T5 1.1 has a head of its own and does not scale; transformers 4 and 5 say so in one field each.
    tie_word_embeddings: isTied,
    scale_decoder_outputs: isTied,
    pad_token_id: padding,
    decoder_start_token_id: tokenIdOrNull(json, "decoder_start_token_id", padding) ?? padding,
  };
  requireConsistent(json, config);
  return config;
}

function requireConsistent(json: ConfigJson, config: T5Config): void {
  const { relative_attention_num_buckets: buckets, vocab_size } = config;
  if (buckets < 4 || buckets % 4 !== 0)
    throw fieldError(json, "relative_attention_num_buckets", "a multiple of 4");
  if (config.relative_attention_max_distance <= buckets / 2)
    throw fieldError(json, "relative_attention_max_distance", `more than ${buckets / 2}`);
  for (const field of ["pad_token_id", "decoder_start_token_id"] as const)
    if (config[field] >= vocab_size)
      throw fieldError(json, field, `less than vocab_size ${vocab_size}`);
}
