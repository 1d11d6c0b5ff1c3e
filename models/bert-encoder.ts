import type { Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { mergeHeads, paddingMask, splitHeads } from "./attention.ts";
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
import {
  activate,
  type activations,
  applyEmbedding,
  applyLayerNorm,
  applyLinear,
  type DropoutMasks,
  drop,
  layerNormSpecs,
  linearSpecs,
  type ParameterValues,
  weightSpec,
} from "./layers.ts";
import type { TokenBatch } from "./model.ts";
import type { ParameterSpec } from "./parameters.ts";

/** The fields of config.json that BERT and RoBERTa share, as far as they change the numbers. */
export interface BertConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly hidden_act: keyof typeof activations;
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

/** What the functions of one model read. `base` is the prefix of the encoder's parameters. */
export interface BertContext {
  readonly base: "bert" | "roberta";
  readonly params: ParameterValues;
  readonly dropoutMasks: DropoutMasks;
  readonly config: BertConfig;
}

/** The two further embeddings of each token, which broadcast to [B, T, C]. */
export interface AddedEmbeddings {
  readonly types: Value;
  readonly positions: Value;
}

/** The last hidden state of a batch, and what each layer reads: embeddings, then the layers. */
export function encode(
  context: BertContext,
  batch: TokenBatch,
  added: AddedEmbeddings,
): { readonly x: Value; readonly layerInputs: readonly Value[] } {
  const { base, config } = context;
  let x = embed(context, batch, added); // (B, T, C)
  const mask = paddingMask(batch.attentionMask); // (B, 1, 1, T)
  const layerInputs: Value[] = [];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    layerInputs.push(x);
    x = layer(context, { x, mask, prefix: `${base}.encoder.layer.${i}` });
  }
  return { x, layerInputs }; // each (B, T, C)
}

/** Word, token type and position embeddings, added and normalised. */
function embed(context: BertContext, { inputIds }: TokenBatch, added: AddedEmbeddings): Value {
  const { base, params, dropoutMasks, config } = context;
  const words = applyEmbedding(inputIds, params, `${base}.embeddings.word_embeddings`); // (B, T, C)
  const sum = ops.add(ops.add(words, added.types), added.positions); // (B, T, C)
  const x = norm(context, sum, `${base}.embeddings.LayerNorm`);
  return drop(x, dropoutMasks, { site: `${base}.embeddings`, p: config.hidden_dropout_prob });
}

/** One encoder layer: self-attention and a feed-forward network, each with a residual and a norm. */
function layer(
  context: BertContext,
  { x, mask, prefix }: { x: Value; mask: Value; prefix: string },
): Value {
  const { params, dropoutMasks, config } = context;
  const p = config.hidden_dropout_prob;
  const attended = selfAttention(context, { x, mask, prefix: `${prefix}.attention.self` }); // (B, T, C)
  const mixed = applyLinear(attended, params, `${prefix}.attention.output.dense`); // (B, T, C)
  const keptMixed = drop(mixed, dropoutMasks, { site: `${prefix}.attention.output`, p });
  const y = norm(context, ops.add(keptMixed, x), `${prefix}.attention.output.LayerNorm`);
  const wide = applyLinear(y, params, `${prefix}.intermediate.dense`); // (B, T, F)
  const narrow = applyLinear(activate(wide, config.hidden_act), params, `${prefix}.output.dense`); // (B, T, C)
  const keptNarrow = drop(narrow, dropoutMasks, { site: `${prefix}.output`, p });
  return norm(context, ops.add(keptNarrow, y), `${prefix}.output.LayerNorm`);
}

function selfAttention(
  { params, config, dropoutMasks }: BertContext,
  { x, mask, prefix }: { x: Value; mask: Value; prefix: string },
): Value {
  const [batch, length, width] = x.shape as [number, number, number];
  const heads = config.num_attention_heads;
  const project = (name: string) => splitHeads(applyLinear(x, params, `${prefix}.${name}`), heads); // (B, h, T, C / h)
  const p = config.attention_probs_dropout_prob;
  const dropoutMask = dropoutMasks(prefix, [batch, heads, length, length], p);
  const y = ops.attention(project("query"), project("key"), project("value"), {
    scale: 1 / Math.sqrt(width / heads),
    mask,
    ...(dropoutMask && { dropoutMask, p }),
  }); // (B, h, T, C / h)
  return mergeHeads(y); // (B, T, C)
}

function norm({ params, config }: BertContext, x: Value, prefix: string): Value {
  return applyLayerNorm(x, params, { prefix, eps: config.layer_norm_eps });
}

/** The parameters of embeddings and layers; position embeddings with a row for padding where it is given. */
export function encoderSpecs(
  config: BertConfig,
  base: BertContext["base"],
  positionPaddingRow?: number,
): ParameterSpec[] {
  const { hidden_size: width, intermediate_size: wide, initializer_range: deviation } = config;
  const table = (name: string, rows: number, paddingRow?: number | null): ParameterSpec => ({
    ...weightSpec(`${base}.embeddings.${name}`, [rows, width], deviation),
    ...(typeof paddingRow === "number" && { paddingRow }),
  });
  const specs = [
    table("word_embeddings", config.vocab_size, config.pad_token_id),
    table("position_embeddings", config.max_position_embeddings, positionPaddingRow),
    table("token_type_embeddings", config.type_vocab_size),
    ...layerNormSpecs(`${base}.embeddings.LayerNorm`, width),
  ];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const prefix = `${base}.encoder.layer.${i}`;
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

/** The configuration with transformers' defaults, of which `presets` differ between the families. */
export function readBertConfig(
  json: ConfigJson,
  presets: { readonly vocab_size: number; readonly pad_token_id: number },
): BertConfig {
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
    vocab_size: positiveInteger(json, "vocab_size", presets.vocab_size),
    hidden_size: positiveInteger(json, "hidden_size", 768),
    num_hidden_layers: layerCount(json, "num_hidden_layers", 12),
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
    pad_token_id: tokenIdOrNull(json, "pad_token_id", presets.pad_token_id),
  };
  if (config.hidden_size % config.num_attention_heads !== 0)
    throw fieldError(json, "num_attention_heads", `a divisor of hidden_size ${config.hidden_size}`);
  if ((config.pad_token_id ?? 0) >= config.vocab_size)
    throw fieldError(json, "pad_token_id", `less than vocab_size ${config.vocab_size}`);
  return config;
}
