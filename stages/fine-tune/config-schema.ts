const size = { type: "integer", minimum: 1, maximum: 10_000_000 } as const;
const probability = { type: "number", minimum: 0, exclusiveMaximum: 1 } as const;

/** JSON Schema of the config.json that random weights are made for: the fields of transformers' BertConfig. */
export const configSchema = {
  description: "The sizes of a model with random weights, by the names of config.json.",
  type: "object",
  properties: {
    model_type: { description: "The architecture.", type: "string", enum: ["bert"] },
    vocab_size: {
      ...size,
      description: "Rows of the word table; without it the tokenizer's vocabulary.",
    },
    hidden_size: { ...size, description: "Width of the layers; default 768." },
    num_hidden_layers: { ...size, description: "Number of layers; default 12." },
    num_attention_heads: {
      ...size,
      description: "Attention heads of a layer; a divisor of hidden_size; default 12.",
    },
    intermediate_size: {
      ...size,
      description: "Width inside the feed-forward network; default 3072.",
    },
    hidden_act: {
      description: "The activation inside the feed-forward network; default gelu.",
      type: "string",
      enum: ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"],
    },
    hidden_dropout_prob: {
      ...probability,
      description: "Dropout of embeddings and layers; default 0.1.",
    },
    attention_probs_dropout_prob: {
      ...probability,
      description: "Dropout of attention; default 0.1.",
    },
    classifier_dropout: {
      ...probability,
      description: "Dropout before the head; without it hidden_dropout_prob.",
    },
    max_position_embeddings: {
      ...size,
      description: "The longest row in tokens; default 512.",
    },
    type_vocab_size: { ...size, description: "Number of segments; default 2." },
    initializer_range: {
      description: "Standard deviation of the random weights; default 0.02.",
      type: "number",
      minimum: 0,
      exclusiveMaximum: 10,
    },
    layer_norm_eps: { ...probability, description: "Epsilon of the layer norms; default 1e-12." },
    pad_token_id: {
      description: "The id of the padding token; without it the tokenizer's.",
      type: "integer",
      minimum: 0,
    },
  },
  required: ["model_type"],
  additionalProperties: false,
} as const;
