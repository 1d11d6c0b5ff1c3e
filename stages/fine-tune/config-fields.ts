/** A whole number of at least 1, as JSON Schema. */
const size = (description: string) =>
  ({ type: "integer", minimum: 1, maximum: 10_000_000, description }) as const;
const probability = (description: string) =>
  ({ type: "number", minimum: 0, exclusiveMaximum: 1, description }) as const;
const flag = (description: string) => ({ type: "boolean", description }) as const;
const tokenId = (description: string) => ({ type: "integer", minimum: 0, description }) as const;

const activation = (preset: string) =>
  ({
    description: `The activation inside the feed-forward network; default ${preset}.`,
    type: "string",
    enum: ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"],
  }) as const;
const deviation = {
  description: "Standard deviation of the random weights; default 0.02.",
  type: "number",
  minimum: 0,
  exclusiveMaximum: 10,
} as const;

const common = {
  vocab_size: size("Rows of the word table; without it the tokenizer's vocabulary."),
  pad_token_id: tokenId("The id of the padding token; without it the tokenizer's."),
};

const bert = {
  ...common,
  hidden_size: size("Width of the layers; default 768."),
  num_hidden_layers: size("Number of layers; default 12."),
  num_attention_heads: size("Attention heads of a layer; a divisor of hidden_size; default 12."),
  intermediate_size: size("Width inside the feed-forward network; default 3072."),
  hidden_act: activation("gelu"),
  hidden_dropout_prob: probability("Dropout of embeddings and layers; default 0.1."),
  attention_probs_dropout_prob: probability("Dropout of attention; default 0.1."),
  classifier_dropout: probability("Dropout before the head; without it hidden_dropout_prob."),
  max_position_embeddings: size(
    "Rows of the position table; default 512. RoBERTa uses the first pad_token_id + 1 of them for padding.",
  ),
  type_vocab_size: size("Number of segments; default 2."),
  initializer_range: deviation,
  layer_norm_eps: probability("Epsilon of the layer norms; default 1e-12."),
};

const distilbert = {
  ...common,
  dim: size("Width of the layers; default 768."),
  n_layers: size("Number of layers; default 6."),
  n_heads: size("Attention heads of a layer; a divisor of dim; default 12."),
  hidden_dim: size("Width inside the feed-forward network; default 3072."),
  activation: activation("gelu"),
  dropout: probability("Dropout of embeddings and layers; default 0.1."),
  attention_dropout: probability("Dropout of attention; default 0.1."),
  qa_dropout: probability("Dropout before a head for answers; default 0.1."),
  seq_classif_dropout: probability("Dropout before a head for labels of texts; default 0.2."),
  max_position_embeddings: size("The longest row in tokens; default 512."),
  initializer_range: deviation,
};

const gpt2 = {
  ...common,
  eos_token_id: tokenId("The id of the token that ends a text."),
  n_embd: size("Width of the layers; default 768."),
  n_layer: size("Number of layers; default 12."),
  n_head: size("Attention heads of a layer; a divisor of n_embd; default 12."),
  n_inner: size("Width inside the feed-forward network; default 4 · n_embd."),
  n_positions: size("The longest row in tokens; default 1024."),
  activation_function: activation("gelu_new"),
  attn_pdrop: probability("Dropout of attention; default 0.1."),
  embd_pdrop: probability("Dropout of embeddings; default 0.1."),
  resid_pdrop: probability("Dropout of what layers add; default 0.1."),
  initializer_range: deviation,
  layer_norm_epsilon: probability("Epsilon of the layer norms; default 1e-5."),
  tie_word_embeddings: flag("Whether the head is the word table; default true."),
};

const llama = {
  ...common,
  eos_token_id: tokenId("The id of the token that ends a text."),
  hidden_size: size("Width of the layers; default 4096."),
  intermediate_size: size("Width inside the feed-forward network; default 11008."),
  num_hidden_layers: size("Number of layers; default 32."),
  num_attention_heads: size("Attention heads of a layer; default 32."),
  num_key_value_heads: size("Heads of keys and values: a divisor of num_attention_heads."),
  head_dim: size("Width of a head, even; without it hidden_size / num_attention_heads."),
  max_position_embeddings: size("The longest row in tokens."),
  attention_dropout: probability("Dropout of attention; default 0."),
  attention_bias: flag("Whether projections of attention have biases; default false."),
  mlp_bias: flag("Whether those of the feed-forward network do; default false."),
  initializer_range: deviation,
  rms_norm_eps: probability("Epsilon of the norms; default 1e-6."),
  rope_theta: {
    description: "The base of the rotary positions; default 10000.",
    type: "number",
    exclusiveMinimum: 0,
  },
  tie_word_embeddings: flag("Whether the head is the word table; default false."),
} as const;

const t5 = {
  ...common,
  decoder_start_token_id: tokenId("The token before a target; without it the padding."),
  eos_token_id: tokenId("The id of the token that ends a text."),
  d_model: size("Width of the layers; default 512."),
  d_kv: size("Width of a head; default 64."),
  d_ff: size("Width inside the feed-forward network; default 2048."),
  num_layers: size("Layers of the encoder; default 6."),
  num_decoder_layers: size("Layers of the decoder; without it num_layers."),
  num_heads: size("Attention heads of a layer; default 8."),
  relative_attention_num_buckets: size("Ranges of distances, a multiple of 4; default 32."),
  relative_attention_max_distance: size("From where on distances are one range; default 128."),
  dropout_rate: probability("Dropout everywhere; default 0.1."),
  layer_norm_epsilon: probability("Epsilon of the norms; default 1e-6."),
  initializer_factor: { ...deviation, description: "Scale of the random weights; default 1." },
  feed_forward_proj: {
    description: "The feed-forward network: its activation, and whether it is gated; default relu.",
    type: "string",
    enum: ["relu", "gated-gelu", "gated-silu", "gated-relu", "gelu", "gelu_new", "silu"],
  },
  tie_word_embeddings: flag("Whether the head is the word table; default true."),
} as const;

/** The fields of config.json from which each type of model is made with random weights, by `model_type`. */
export const configFields = {
  bert,
  roberta: bert,
  "xlm-roberta": bert,
  distilbert,
  gpt2,
  llama,
  mistral: llama,
  qwen2: llama,
  qwen3: llama,
  t5,
} as const;
