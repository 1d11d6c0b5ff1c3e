import {
  type ConfigJson,
  fieldError,
  layerCount,
  numberBetween,
  oneOf,
  paddingToken,
  positiveInteger,
  requireUnset,
  tokenIdOrNull,
} from "./config-json.ts";

/** What tells the types of model apart that are built as Llama is. */
export interface LlamaKind {
  readonly modelType: string;
  /** What the names of the classes in transformers begin with. */
  readonly stem: string;
  /** The defaults in which transformers' configurations differ; null: computed from other fields. */
  readonly presets: {
    readonly max_position_embeddings: number;
    readonly head_dim: number | null;
    readonly num_key_value_heads: number | null;
  };
  /** The projections that have a bias whatever attention_bias says. */
  readonly biases?: readonly string[];
  /** Whether each head's queries and keys are normalised. */
  readonly headNorms?: boolean;
  /** How far a token sees, where that is less than the whole row. */
  window?(json: ConfigJson): unknown;
}

/** The fields of config.json, as far as they change the numbers. */
export interface LlamaConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  readonly initializer_range: number;
  readonly attention_dropout: number;
  readonly attention_bias: boolean;
  readonly mlp_bias: boolean;
  readonly tie_word_embeddings: boolean;
  /** The word whose embedding gets no gradient; null for none. */
  readonly pad_token_id: number | null;
  /** What rows are filled up with: the padding, or else the end of a text. */
  readonly padTokenId: number;
  /** Within the window: in a row as long as it, every token sees all that come before. */
  readonly maxLength: number;
}

/** The configuration with transformers' defaults. */
export function readLlamaConfig(json: ConfigJson, kind: LlamaKind): LlamaConfig {
  requireUnset(json, { quantization_config: null, pretraining_tp: 1 });
  oneOf(json, "hidden_act", ["silu"]);
  const { presets } = kind;
  const width = positiveInteger(json, "hidden_size", 4096);
  const heads = positiveInteger(json, "num_attention_heads", 32);
  const vocabSize = positiveInteger(json, "vocab_size", 32_000);
  const positions = positiveInteger(
    json,
    "max_position_embeddings",
    presets.max_position_embeddings,
  );
  const config: LlamaConfig = {
    vocab_size: vocabSize,
    hidden_size: width,
    intermediate_size: positiveInteger(json, "intermediate_size", 11_008),
    num_hidden_layers: layerCount(json, "num_hidden_layers", 32),
    num_attention_heads: heads,
    num_key_value_heads: positiveInteger(
      json,
      "num_key_value_heads",
      presets.num_key_value_heads ?? heads,
    ),
    head_dim: positiveInteger(json, "head_dim", presets.head_dim ?? Math.floor(width / heads)),
    rms_norm_eps: numberBetween(json, "rms_norm_eps", { low: 0, high: 1, preset: 1e-6 }),
    initializer_range: numberBetween(json, "initializer_range", { low: 0, high: 10, preset: 0.02 }),
    attention_dropout: numberBetween(json, "attention_dropout", { low: 0, high: 1, preset: 0 }),
    attention_bias: json.attention_bias === true,
    mlp_bias: json.mlp_bias === true,
    tie_word_embeddings: json.tie_word_embeddings === true,
    pad_token_id: tokenIdOrNull(json, "pad_token_id", null),
    padTokenId: paddingToken(json, vocabSize),
    maxLength: Math.min(positions, windowOf(json, kind)),
  };
  if (heads % config.num_key_value_heads !== 0)
    throw fieldError(json, "num_key_value_heads", `a divisor of num_attention_heads ${heads}`);
  if (config.head_dim % 2 !== 0) throw fieldError(json, "head_dim", "an even number");
  return config;
}

function windowOf(json: ConfigJson, { window }: LlamaKind): number {
  const size = window?.(json) ?? null;
  if (size !== null && (!Number.isSafeInteger(size) || (size as number) < 1))
    throw fieldError(json, "sliding_window", "a whole number of at least 1, or null");
  const { layer_types: types = [] } = json;
  const isKnown = (type: unknown) =>
    type === "full_attention" || (size !== null && type === "sliding_attention");
  if (!Array.isArray(types) || !types.every(isKnown))
    throw fieldError(json, "layer_types", "a list of full_attention");
  return size === null ? Number.POSITIVE_INFINITY : (size as number);
}
