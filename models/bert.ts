import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import {
  type ConfigJson,
  fieldError,
  numberBetween,
  oneOf,
  positiveInteger,
  requireUnset,
} from "./config-json.ts";
import {
  applyEmbedding,
  applyLayerNorm,
  applyLinear,
  type DropoutMasks,
  embeddingSpec,
  layerNormSpecs,
  linearSpecs,
  type ParameterValues,
  parameterValue,
} from "./layers.ts";
import type { Architecture, ClassifierOutput, TokenBatch } from "./model.ts";
import type { ParameterSpec } from "./parameters.ts";

/**
 * BERT: a bidirectional transformer encoder. https://arxiv.org/abs/1810.04805
 * Original source: https://github.com/google-research/bert/blob/master/modeling.py
 * Parameter names and defaults are those of transformers' BertForSequenceClassification.
 */
export const bert: Architecture = {
  modelType: "bert",
  sequenceClassifier(json, numLabels) {
    const config = readConfig(json);
    return {
      className: "BertForSequenceClassification",
      vocabSize: config.vocab_size,
      maxLength: config.max_position_embeddings,
      padTokenId: config.pad_token_id ?? 0,
      parameters: [...encoderSpecs(config), ...headSpecs(config, numLabels)],
      classify: (params, batch, dropoutMasks) => classify({ params, dropoutMasks, config }, batch),
    };
  },
  parameterName,
};

interface BertConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly hidden_act: "gelu" | "gelu_new" | "gelu_pytorch_tanh" | "relu";
  readonly hidden_dropout_prob: number;
  readonly attention_probs_dropout_prob: number;
  readonly classifier_dropout: number;
  readonly max_position_embeddings: number;
  readonly type_vocab_size: number;
  readonly initializer_range: number;
  readonly layer_norm_eps: number;
  /** The word whose embedding gets no gradient; null for none. */
  readonly pad_token_id: number | null;
}

interface Context {
  readonly params: ParameterValues;
  readonly dropoutMasks: DropoutMasks;
  readonly config: BertConfig;
}

/** Sequence classification: the pooled first token, through one linear layer. */
function classify(context: Context, batch: TokenBatch): ClassifierOutput {
  const { params, config } = context;
  let x = embed(context, batch); // (B, T, C)
  const mask = additiveMask(batch.attentionMask); // (B, 1, 1, T)
  for (let i = 0; i < config.num_hidden_layers; i++)
    x = layer(context, { x, mask, prefix: `bert.encoder.layer.${i}` });
  const first = ops.slice(x, { axes: [1], starts: [0], ends: [1] }); // (B, 1, C)
  const token = ops.reshape(first, [x.shape[0]!, config.hidden_size]); // (B, C)
  const pooled = ops.tanh(applyLinear(token, params, "bert.pooler.dense")); // (B, C)
  const kept = drop(context, pooled, { site: "classifier", p: config.classifier_dropout });
  return { lastHiddenState: x, logits: applyLinear(kept, params, "classifier") }; // (B, labels)
}

/** Word, token type and position embeddings, added and normalised. */
function embed(context: Context, { inputIds, tokenTypeIds }: TokenBatch): Value {
  const { params, config } = context;
  const length = inputIds.shape[1]!;
  const words = applyEmbedding(inputIds, params, "bert.embeddings.word_embeddings"); // (B, T, C)
  const types = applyEmbedding(tokenTypeIds, params, "bert.embeddings.token_type_embeddings");
  const table = parameterValue(params, "bert.embeddings.position_embeddings.weight");
  const positions = ops.slice(table, { axes: [0], starts: [0], ends: [length] }); // (T, C)
  const sum = ops.add(ops.add(words, types), positions); // (B, T, C)
  const x = norm(context, sum, "bert.embeddings.LayerNorm");
  return drop(context, x, { site: "bert.embeddings", p: config.hidden_dropout_prob });
}

/** One encoder layer: self-attention and a feed-forward network, each with a residual and a norm. */
function layer(
  context: Context,
  { x, mask, prefix }: { x: Value; mask: Value; prefix: string },
): Value {
  const { params, config } = context;
  const p = config.hidden_dropout_prob;
  const attended = selfAttention(context, { x, mask, prefix: `${prefix}.attention.self` }); // (B, T, C)
  const mixed = applyLinear(attended, params, `${prefix}.attention.output.dense`); // (B, T, C)
  const keptMixed = drop(context, mixed, { site: `${prefix}.attention.output`, p });
  const y = norm(context, ops.add(keptMixed, x), `${prefix}.attention.output.LayerNorm`);
  const wide = activate(applyLinear(y, params, `${prefix}.intermediate.dense`), config); // (B, T, F)
  const narrow = applyLinear(wide, params, `${prefix}.output.dense`); // (B, T, C)
  const keptNarrow = drop(context, narrow, { site: `${prefix}.output`, p });
  return norm(context, ops.add(keptNarrow, y), `${prefix}.output.LayerNorm`);
}

function selfAttention(
  { params, config, dropoutMasks }: Context,
  { x, mask, prefix }: { x: Value; mask: Value; prefix: string },
): Value {
  const [batch, length, width] = x.shape as [number, number, number];
  const heads = config.num_attention_heads;
  const splitHeads = (name: string) =>
    ops.transpose(
      ops.reshape(applyLinear(x, params, `${prefix}.${name}`), [batch, length, heads, -1]),
      [0, 2, 1, 3],
    ); // (B, h, T, C / h)
  const p = config.attention_probs_dropout_prob;
  const dropoutMask = dropoutMasks(prefix, [batch, heads, length, length], p);
  const y = ops.attention(splitHeads("query"), splitHeads("key"), splitHeads("value"), {
    scale: 1 / Math.sqrt(width / heads),
    mask,
    ...(dropoutMask && { dropoutMask, p }),
  }); // (B, h, T, C / h)
  return ops.reshape(ops.transpose(y, [0, 2, 1, 3]), [batch, length, width]); // (B, T, C)
}

/** 0 where there is a token, the lowest float32 where there is padding, so that softmax gives it 0. */
function additiveMask(attentionMask: Value): Value {
  const [batch, length] = attentionMask.shape as [number, number];
  const padding = ops.sub(1, ops.cast(attentionMask, "float32"));
  const lowest = constant(-3.4028234663852886e38);
  return ops.reshape(ops.mul(padding, lowest), [batch, 1, 1, length]);
}

function norm({ params, config }: Context, x: Value, prefix: string): Value {
  return applyLayerNorm(x, params, { prefix, eps: config.layer_norm_eps });
}

function drop(
  { dropoutMasks }: Context,
  x: Value,
  { site, p }: { site: string; p: number },
): Value {
  const mask = dropoutMasks(site, x.shape, p);
  return mask === undefined ? x : ops.dropout(x, mask, p);
}

function activate(x: Value, { hidden_act }: BertConfig): Value {
  if (hidden_act === "relu") return ops.relu(x);
  return ops.gelu(x, hidden_act === "gelu" ? "erf" : "tanh");
}

function encoderSpecs(config: BertConfig): ParameterSpec[] {
  const { hidden_size: width, intermediate_size: wide, initializer_range: deviation } = config;
  const table = (name: string, rows: number) =>
    embeddingSpec(`bert.embeddings.${name}`, [rows, width], deviation);
  const specs = [
    {
      ...table("word_embeddings", config.vocab_size),
      ...(config.pad_token_id !== null && { paddingRow: config.pad_token_id }),
    },
    table("position_embeddings", config.max_position_embeddings),
    table("token_type_embeddings", config.type_vocab_size),
    ...layerNormSpecs("bert.embeddings.LayerNorm", width),
  ];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const prefix = `bert.encoder.layer.${i}`;
    for (const name of ["query", "key", "value"])
      specs.push(...linearSpecs(`${prefix}.attention.self.${name}`, [width, width], deviation));
    specs.push(
      ...linearSpecs(`${prefix}.attention.output.dense`, [width, width], deviation),
      ...layerNormSpecs(`${prefix}.attention.output.LayerNorm`, width),
      ...linearSpecs(`${prefix}.intermediate.dense`, [width, wide], deviation),
      ...linearSpecs(`${prefix}.output.dense`, [wide, width], deviation),
      ...layerNormSpecs(`${prefix}.output.LayerNorm`, width),
    );
  }
  return specs;
}

function headSpecs(config: BertConfig, numLabels: number): ParameterSpec[] {
  const { hidden_size: width, initializer_range: deviation } = config;
  return [
    ...linearSpecs("bert.pooler.dense", [width, width], deviation),
    ...linearSpecs("classifier", [width, numLabels], deviation),
  ].map((spec) => ({ ...spec, optional: true }));
}

/** Older checkpoints say gamma and beta; a base model's own lack the prefix; other heads are not ours. */
function parameterName(checkpointName: string): string | undefined {
  const name = checkpointName
    .replace(/LayerNorm\.gamma$/, "LayerNorm.weight")
    .replace(/LayerNorm\.beta$/, "LayerNorm.bias")
    .replace(/^(embeddings|encoder|pooler)\./, "bert.$1.");
  const isUnused = name.startsWith("cls.") || name === "bert.embeddings.position_ids";
  return isUnused ? undefined : name;
}

/** The configuration with transformers' defaults, as far as it changes the numbers. */
function readConfig(json: ConfigJson): BertConfig {
  requireUnset(json, {
    position_embedding_type: "absolute",
    is_decoder: false,
    add_cross_attention: false,
    pruned_heads: null,
    quantization_config: null,
  });
  const probability = (field: string, preset: number) =>
    numberBetween(json, field, { low: 0, high: 1, preset });
  const hiddenDropout = probability("hidden_dropout_prob", 0.1);
  const config: BertConfig = {
    vocab_size: positiveInteger(json, "vocab_size", 30522),
    hidden_size: positiveInteger(json, "hidden_size", 768),
    num_hidden_layers: positiveInteger(json, "num_hidden_layers", 12),
    num_attention_heads: positiveInteger(json, "num_attention_heads", 12),
    intermediate_size: positiveInteger(json, "intermediate_size", 3072),
    hidden_act: oneOf(json, "hidden_act", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"]),
    hidden_dropout_prob: hiddenDropout,
    attention_probs_dropout_prob: probability("attention_probs_dropout_prob", 0.1),
    classifier_dropout: probability("classifier_dropout", hiddenDropout),
    max_position_embeddings: positiveInteger(json, "max_position_embeddings", 512),
    type_vocab_size: positiveInteger(json, "type_vocab_size", 2),
    initializer_range: numberBetween(json, "initializer_range", { low: 0, high: 10, preset: 0.02 }),
    layer_norm_eps: numberBetween(json, "layer_norm_eps", { low: 0, high: 1, preset: 1e-12 }),
    pad_token_id: readPadTokenId(json),
  };
  if (config.hidden_size % config.num_attention_heads !== 0)
    throw fieldError(json, "num_attention_heads", `a divisor of hidden_size ${config.hidden_size}`);
  if (config.num_hidden_layers > 1000) throw fieldError(json, "num_hidden_layers", "at most 1000");
  if ((config.pad_token_id ?? 0) >= config.vocab_size)
    throw fieldError(json, "pad_token_id", `less than vocab_size ${config.vocab_size}`);
  return config;
}

function readPadTokenId(json: ConfigJson): number | null {
  const { pad_token_id: id = 0 } = json;
  if (id === null || (Number.isSafeInteger(id) && (id as number) >= 0)) return id as number | null;
  throw fieldError(json, "pad_token_id", "the id of a token, or null");
}
