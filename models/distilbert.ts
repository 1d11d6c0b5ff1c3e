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
  parameterValue,
  rowsAt,
  weightSpec,
} from "./layers.ts";
import type { Architecture, Task, TokenBatch } from "./model.ts";
import { ofHead, type ParameterSpec } from "./parameters.ts";

const WORDS = "distilbert.embeddings.word_embeddings";
const POSITIONS = "distilbert.embeddings.position_embeddings";
const EPS = 1e-12; // of every norm; no field of config.json

/**
 * DistilBERT: a smaller BERT, trained to give a larger one's answers. https://arxiv.org/abs/1910.01108
 * Parameter names and defaults are those of transformers' DistilBertForSequenceClassification and its like.
 */
export const distilbert: Architecture = {
  modelType: "distilbert",
  classNames: {
    "sequence-classification": "DistilBertForSequenceClassification",
    "token-classification": "DistilBertForTokenClassification",
    "question-answering": "DistilBertForQuestionAnswering",
    "masked-lm": "DistilBertForMaskedLM",
    "feature-extraction": "DistilBertModel",
  },
  heads: ["pre_classifier.", "classifier.", "qa_outputs.", "vocab_"],
  model(json, { task, numLabels }) {
    const config = readConfig(json);
    if (task === "masked-lm") requireUnset(json, { tie_word_embeddings: true });
    return {
      task,
      className: distilbert.classNames[task]!,
      vocabSize: config.vocab_size,
      hiddenSize: config.dim,
      maxLength: config.max_position_embeddings,
      padTokenId: config.pad_token_id ?? 0,
      ...(task === "sequence-classification" && { headReads: "cls" }),
      inputs: ["input_ids", "attention_mask"],
      parameters: [...encoderSpecs(config), ...headSpecs(config, task, numLabels)],
      compute(params, batch, dropoutMasks) {
        const context = { params, dropoutMasks, config };
        const { lastHiddenState: known } = batch;
        const { x, layerInputs } = known ? { x: known, layerInputs: [] } : encode(context, batch); // (B, T, C)
        return {
          lastHiddenState: x,
          logits: applyHead(context, { x, task, batch }),
          keyValues: [],
          layerInputs,
        };
      },
      parameterName,
    };
  },
};

interface DistilBertConfig {
  readonly vocab_size: number;
  readonly dim: number;
  readonly n_layers: number;
  readonly n_heads: number;
  readonly hidden_dim: number;
  readonly activation: keyof typeof activations;
  readonly dropout: number;
  readonly attention_dropout: number;
  readonly qa_dropout: number;
  readonly seq_classif_dropout: number;
  readonly max_position_embeddings: number;
  readonly initializer_range: number;
  /** The word whose embedding gets no gradient; null for none. */
  readonly pad_token_id: number | null;
}

interface Context {
  readonly params: ParameterValues;
  readonly dropoutMasks: DropoutMasks;
  readonly config: DistilBertConfig;
}

/** Embeddings, then the layers; also what each of these reads. */
function encode(context: Context, batch: TokenBatch) {
  const { params, dropoutMasks, config } = context;
  const words = applyEmbedding(batch.inputIds, params, WORDS); // (B, T, C)
  const table = parameterValue(params, `${POSITIONS}.weight`);
  const length = batch.inputIds.shape[1]!;
  const positions = ops.slice(table, { axes: [0], starts: [0], ends: [length] }); // (T, C)
  const normed = norm(context, ops.add(words, positions), "distilbert.embeddings.LayerNorm");
  const mask = paddingMask(batch.attentionMask); // (B, 1, 1, T)
  let x = drop(normed, dropoutMasks, { site: "distilbert.embeddings", p: config.dropout });
  const layerInputs: Value[] = [];
  for (let i = 0; i < config.n_layers; i++) {
    layerInputs.push(x);
    x = layer(context, { x, mask, prefix: `distilbert.transformer.layer.${i}` });
  }
  return { x, layerInputs }; // each (B, T, C)
}

/** One layer: self-attention and a feed-forward network, each with a residual and a norm. */
function layer(
  context: Context,
  { x, mask, prefix }: { x: Value; mask: Value; prefix: string },
): Value {
  const { params, dropoutMasks, config } = context;
  const attended = selfAttention(context, { x, mask, prefix: `${prefix}.attention` }); // (B, T, C)
  const y = norm(context, ops.add(attended, x), `${prefix}.sa_layer_norm`);
  const wide = activate(applyLinear(y, params, `${prefix}.ffn.lin1`), config.activation); // (B, T, F)
  const narrow = applyLinear(wide, params, `${prefix}.ffn.lin2`); // (B, T, C)
  const kept = drop(narrow, dropoutMasks, { site: `${prefix}.ffn`, p: config.dropout });
  return norm(context, ops.add(kept, y), `${prefix}.output_layer_norm`);
}

function selfAttention(
  { params, dropoutMasks, config }: Context,
  { x, mask, prefix }: { x: Value; mask: Value; prefix: string },
): Value {
  const [batch, length, width] = x.shape as [number, number, number];
  const heads = config.n_heads;
  const project = (name: string) => splitHeads(applyLinear(x, params, `${prefix}.${name}`), heads); // (B, h, T, C / h)
  const p = config.attention_dropout;
  const dropoutMask = dropoutMasks(prefix, [batch, heads, length, length], p);
  const y = ops.attention(project("q_lin"), project("k_lin"), project("v_lin"), {
    scale: 1 / Math.sqrt(width / heads),
    mask,
    ...(dropoutMask && { dropoutMask, p }),
  }); // (B, h, T, C / h)
  return applyLinear(mergeHeads(y), params, `${prefix}.out_lin`); // (B, T, C)
}

function norm({ params }: Context, x: Value, prefix: string): Value {
  return applyLayerNorm(x, params, { prefix, eps: EPS });
}

function applyHead(
  context: Context,
  { x, task, batch }: { x: Value; task: Task; batch: TokenBatch },
): Value {
  const { params, dropoutMasks, config } = context;
  if (task === "sequence-classification") return classify(context, x);
  if (task === "masked-lm") return predictWords(context, rowsAt(x, batch.logitsAt));
  if (task === "feature-extraction") return x;
  const isAnswer = task === "question-answering";
  const site = isAnswer ? "qa_outputs" : "classifier";
  const p = isAnswer ? config.qa_dropout : config.dropout;
  return applyLinear(drop(x, dropoutMasks, { site, p }), params, site); // (B, T, 2 or labels)
}

/** Sequence classification: the first token through two layers. */
function classify({ params, dropoutMasks, config }: Context, x: Value): Value {
  const first = ops.slice(x, { axes: [1], starts: [0], ends: [1] }); // (B, 1, C)
  const token = ops.reshape(first, [x.shape[0]!, config.dim]); // (B, C)
  const pooled = ops.relu(applyLinear(token, params, "pre_classifier")); // (B, C)
  const p = config.seq_classif_dropout;
  return applyLinear(drop(pooled, dropoutMasks, { site: "classifier", p }), params, "classifier");
}

/** Masked words: a transformed token against the embedding of every word. */
function predictWords(context: Context, x: Value): Value {
  const { params, config } = context;
  const dense = activate(applyLinear(x, params, "vocab_transform"), config.activation); // (…, C)
  const y = norm(context, dense, "vocab_layer_norm");
  const bias = parameterValue(params, "vocab_projector.bias");
  return ops.linear(y, parameterValue(params, `${WORDS}.weight`), bias); // (…, V)
}

function encoderSpecs(config: DistilBertConfig): ParameterSpec[] {
  const { dim: width, hidden_dim: wide, initializer_range: deviation } = config;
  const words = weightSpec(WORDS, [config.vocab_size, width], deviation);
  const specs: ParameterSpec[] = [
    { ...words, ...(config.pad_token_id !== null && { paddingRow: config.pad_token_id }) },
    weightSpec(POSITIONS, [config.max_position_embeddings, width], deviation),
    ...layerNormSpecs("distilbert.embeddings.LayerNorm", width),
  ];
  for (let i = 0; i < config.n_layers; i++) {
    const prefix = `distilbert.transformer.layer.${i}`;
    for (const name of ["q_lin", "k_lin", "v_lin", "out_lin"])
      specs.push(...linearSpecs(`${prefix}.attention.${name}`, [width, width], deviation));
    specs.push(
      ...layerNormSpecs(`${prefix}.sa_layer_norm`, width),
      ...linearSpecs(`${prefix}.ffn.lin1`, [width, wide], deviation),
      ...linearSpecs(`${prefix}.ffn.lin2`, [wide, width], deviation),
      ...layerNormSpecs(`${prefix}.output_layer_norm`, width),
    );
  }
  return specs;
}

function headSpecs(config: DistilBertConfig, task: Task, labels: number): readonly ParameterSpec[] {
  const { dim: width, vocab_size, initializer_range: deviation } = config;
  if (task === "feature-extraction") return [];
  if (task === "masked-lm")
    return ofHead([
      ...linearSpecs("vocab_transform", [width, width], deviation),
      ...layerNormSpecs("vocab_layer_norm", width),
      { name: "vocab_projector.bias", shape: [vocab_size], initial: "zeros", decays: false },
    ]);
  if (task === "question-answering")
    return ofHead(linearSpecs("qa_outputs", [width, 2], deviation));
  const pre = ofHead(linearSpecs("pre_classifier", [width, width], deviation));
  return [
    ...(task === "sequence-classification" ? pre : []),
    ...ofHead(linearSpecs("classifier", [width, labels], deviation), { perLabel: true }),
  ];
}

/** A base model's names lack the prefix; some checkpoints hold the tied weight twice. */
function parameterName(checkpointName: string): string | undefined {
  const isCopy = /(^|\.)position_ids$|^vocab_projector\.weight$/.test(checkpointName);
  if (isCopy) return undefined;
  return checkpointName.replace(/^(embeddings|transformer)\./, "distilbert.$1.");
}

/** The configuration with transformers' defaults, as far as it changes the numbers. */
function readConfig(json: ConfigJson): DistilBertConfig {
  requireUnset(json, {
    sinusoidal_pos_embds: false,
    pruned_heads: null,
    quantization_config: null,
  });
  const probability = (field: string, preset: number) =>
    numberBetween(json, field, { low: 0, high: 1, preset });
  const config: DistilBertConfig = {
    vocab_size: positiveInteger(json, "vocab_size", 30522),
    dim: positiveInteger(json, "dim", 768),
    n_layers: layerCount(json, "n_layers", 6),
    n_heads: positiveInteger(json, "n_heads", 12),
    hidden_dim: positiveInteger(json, "hidden_dim", 3072),
    activation: oneOf(json, "activation", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"]),
    dropout: probability("dropout", 0.1),
    attention_dropout: probability("attention_dropout", 0.1),
    qa_dropout: probability("qa_dropout", 0.1),
    seq_classif_dropout: probability("seq_classif_dropout", 0.2),
    max_position_embeddings: positiveInteger(json, "max_position_embeddings", 512),
    initializer_range: numberBetween(json, "initializer_range", { low: 0, high: 10, preset: 0.02 }),
    pad_token_id: tokenIdOrNull(json, "pad_token_id", 0),
  };
  if (config.dim % config.n_heads !== 0)
    throw fieldError(json, "n_heads", `a divisor of dim ${config.dim}`);
  if ((config.pad_token_id ?? 0) >= config.vocab_size)
    throw fieldError(json, "pad_token_id", `less than vocab_size ${config.vocab_size}`);
  return config;
}
