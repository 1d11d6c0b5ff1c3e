import type { Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { causalMask, mergeHeads, splitHeads, withPast } from "./attention.ts";
import {
  type ConfigJson,
  fieldError,
  layerCount,
  numberBetween,
  oneOf,
  paddingToken,
  positiveInteger,
  requireUnset,
} from "./config-json.ts";
import { scoreLastToken, scoreSpecs } from "./last-token.ts";
import {
  activate,
  type activations,
  applyConv1d,
  applyEmbedding,
  applyLayerNorm,
  conv1dSpecs,
  type DropoutMasks,
  drop,
  layerNormSpecs,
  type ParameterValues,
  parameterValue,
  rowsAt,
  weightSpec,
} from "./layers.ts";
import type { Architecture, KeyValue, ModelRequest, Task, TokenBatch } from "./model.ts";
import { ofHead, type ParameterSpec } from "./parameters.ts";

const WORDS = "transformer.wte";
const POSITIONS = "transformer.wpe";

/**
 * GPT-2: a transformer decoder. https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf
 * Original source: https://github.com/openai/gpt-2/blob/master/src/model.py
 * Parameter names and defaults are those of transformers' GPT2LMHeadModel and its like.
 */
export const gpt2: Architecture = {
  modelType: "gpt2",
  classNames: {
    "causal-lm": "GPT2LMHeadModel",
    "sequence-classification": "GPT2ForSequenceClassification",
    "feature-extraction": "GPT2Model",
  },
  heads: ["lm_head.", "score."],
  model(json, request) {
    const { task } = request;
    const config = readConfig(json);
    const padTokenId = paddingToken(json, config.vocab_size);
    return {
      task,
      className: gpt2.classNames[task]!,
      vocabSize: config.vocab_size,
      hiddenSize: config.n_embd,
      maxLength: config.n_positions,
      padTokenId,
      keyValueSizes: {
        layers: config.n_layer,
        heads: config.n_head,
        width: config.n_embd / config.n_head,
      },
      ...(task === "sequence-classification" && { headReads: "lasttoken" }),
      inputs: ["input_ids", "attention_mask"],
      parameters: [...decoderSpecs(config), ...headSpecs(config, request)],
      compute(params, batch, dropoutMasks) {
        const context = { params, dropoutMasks, config };
        const { lastHiddenState: known } = batch;
        const { x, keyValues, layerInputs } = known
          ? { x: known, keyValues: [], layerInputs: [] }
          : decode(context, batch); // (B, T, C)
        const logits = applyHead(context, { x, task, batch, padTokenId });
        return { lastHiddenState: x, logits, keyValues, layerInputs };
      },
      parameterName: (name) => parameterName(name, config),
      ...(task === "sequence-classification" && { writtenConfig: { pad_token_id: padTokenId } }),
    };
  },
};

interface Gpt2Config {
  readonly vocab_size: number;
  readonly n_embd: number;
  readonly n_layer: number;
  readonly n_head: number;
  readonly n_inner: number;
  readonly n_positions: number;
  readonly activation_function: keyof typeof activations;
  readonly attn_pdrop: number;
  readonly embd_pdrop: number;
  readonly resid_pdrop: number;
  readonly initializer_range: number;
  readonly layer_norm_epsilon: number;
  readonly tie_word_embeddings: boolean;
}

interface Context {
  readonly params: ParameterValues;
  readonly dropoutMasks: DropoutMasks;
  readonly config: Gpt2Config;
}

/** Embeddings, the blocks, and a last norm. */
function decode(context: Context, batch: TokenBatch) {
  const { params, dropoutMasks, config } = context;
  const words = applyEmbedding(batch.inputIds, params, WORDS); // (B, T, C)
  const sum = ops.add(words, positionEmbeddings(context, batch)); // (B, T, C)
  let x = drop(sum, dropoutMasks, { site: "transformer.drop", p: config.embd_pdrop });
  const mask = causalMask(batch); // (B, 1, T, S + T)
  const keyValues: KeyValue[] = [];
  const layerInputs: Value[] = [];
  for (let i = 0; i < config.n_layer; i++) {
    layerInputs.push(x);
    const past = batch.past?.layers[i];
    const made = block(context, { x, mask, past, prefix: `transformer.h.${i}` });
    x = made.x;
    keyValues.push(made.keyValue);
  }
  return { x: norm(context, x, "transformer.ln_f"), keyValues, layerInputs };
}

function positionEmbeddings({ params }: Context, { inputIds, positionIds }: TokenBatch): Value {
  if (positionIds !== undefined) return applyEmbedding(positionIds, params, POSITIONS); // (B, T, C)
  const table = parameterValue(params, `${POSITIONS}.weight`);
  return ops.slice(table, { axes: [0], starts: [0], ends: [inputIds.shape[1]!] }); // (T, C)
}

interface LayerInput {
  readonly x: Value;
  readonly mask: Value;
  readonly past: KeyValue | undefined;
  readonly prefix: string;
}

/** One block: attention and a feed-forward network, each of a norm and with a residual. */
function block(context: Context, { x, mask, past, prefix }: LayerInput) {
  const { params, dropoutMasks, config } = context;
  const p = config.resid_pdrop;
  const normed = norm(context, x, `${prefix}.ln_1`); // (B, T, C)
  const attended = selfAttention(context, { x: normed, mask, past, prefix: `${prefix}.attn` });
  const y = ops.add(drop(attended.x, dropoutMasks, { site: `${prefix}.attn.c_proj`, p }), x);
  const wide = applyConv1d(norm(context, y, `${prefix}.ln_2`), params, `${prefix}.mlp.c_fc`); // (B, T, F)
  const active = activate(wide, config.activation_function);
  const narrow = applyConv1d(active, params, `${prefix}.mlp.c_proj`); // (B, T, C)
  const z = ops.add(y, drop(narrow, dropoutMasks, { site: `${prefix}.mlp`, p }));
  return { x: z, keyValue: attended.keyValue };
}

function selfAttention(context: Context, { x, mask, past, prefix }: LayerInput) {
  const { params, dropoutMasks, config } = context;
  const [batch, length, width] = x.shape as [number, number, number];
  const heads = config.n_head;
  const all = applyConv1d(x, params, `${prefix}.c_attn`); // (B, T, 3 · C)
  const [query, key, value] = ops
    .split(all, [width, width, width], -1)
    .map((part) => splitHeads(part, heads)) as [Value, Value, Value]; // (B, h, T, C / h)
  const seen = withPast({ key, value }, past); // (B, h, S + T, C / h)
  const p = config.attn_pdrop;
  const dropoutMask = dropoutMasks(prefix, [batch, heads, length, seen.key.shape[2]!], p);
  const y = ops.attention(query, seen.key, seen.value, {
    scale: 1 / Math.sqrt(width / heads),
    mask,
    ...(dropoutMask && { dropoutMask, p }),
  }); // (B, h, T, C / h)
  return { x: applyConv1d(mergeHeads(y), params, `${prefix}.c_proj`), keyValue: { key, value } };
}

function norm({ params, config }: Context, x: Value, prefix: string): Value {
  return applyLayerNorm(x, params, { prefix, eps: config.layer_norm_epsilon });
}

/** Words are told by the embeddings that read them, unless the model has a head of its own. */
function headWeight({ params, config }: Context): Value {
  return parameterValue(params, `${config.tie_word_embeddings ? WORDS : "lm_head"}.weight`);
}

function decoderSpecs(config: Gpt2Config): ParameterSpec[] {
  const { n_embd: width, n_inner: wide, initializer_range: deviation } = config;
  const residual = deviation / Math.sqrt(2 * config.n_layer);
  const specs = [
    weightSpec(WORDS, [config.vocab_size, width], deviation),
    weightSpec(POSITIONS, [config.n_positions, width], deviation),
  ];
  for (let i = 0; i < config.n_layer; i++) {
    const prefix = `transformer.h.${i}`;
    specs.push(
      ...layerNormSpecs(`${prefix}.ln_1`, width),
      ...conv1dSpecs(`${prefix}.attn.c_attn`, [width, 3 * width], deviation),
      ...conv1dSpecs(`${prefix}.attn.c_proj`, [width, width], residual),
      ...layerNormSpecs(`${prefix}.ln_2`, width),
      ...conv1dSpecs(`${prefix}.mlp.c_fc`, [width, wide], deviation),
      ...conv1dSpecs(`${prefix}.mlp.c_proj`, [wide, width], residual),
    );
  }
  return [...specs, ...layerNormSpecs("transformer.ln_f", width)];
}

/** What the task reads from the last hidden state. */
function applyHead(
  context: Context,
  { x, task, batch, padTokenId }: { x: Value; task: Task; batch: TokenBatch; padTokenId: number },
): Value {
  if (task === "feature-extraction") return x;
  if (task === "causal-lm") return ops.linear(rowsAt(x, batch.logitsAt), headWeight(context)); // (B, T, V)
  return scoreLastToken(x, context.params, { inputIds: batch.inputIds, padTokenId }); // (B, labels)
}

function headSpecs(config: Gpt2Config, { task, numLabels }: ModelRequest): ParameterSpec[] {
  const { n_embd: width, vocab_size, initializer_range: deviation } = config;
  if (task === "sequence-classification") return scoreSpecs([width, numLabels], deviation);
  if (task === "feature-extraction") return [];
  if (config.tie_word_embeddings) return [];
  return ofHead([weightSpec("lm_head", [vocab_size, width], deviation)]);
}

/** A base model's names lack the prefix; older files hold the causal mask, and the tied weight twice. */
function parameterName(checkpointName: string, config: Gpt2Config): string | undefined {
  if (/(^|\.)attn\.(masked_)?bias$/.test(checkpointName)) return undefined;
  if (checkpointName === "lm_head.weight" && config.tie_word_embeddings) return undefined;
  return checkpointName.replace(/^(wte|wpe|h|ln_f)\./, "transformer.$1.");
}

/** The configuration with transformers' defaults, as far as it changes the numbers. */
function readConfig(json: ConfigJson): Gpt2Config {
  requireUnset(json, {
    scale_attn_weights: true,
    scale_attn_by_inverse_layer_idx: false,
    add_cross_attention: false,
    pruned_heads: null,
    quantization_config: null,
  });
  const probability = (field: string) =>
    numberBetween(json, field, { low: 0, high: 1, preset: 0.1 });
  const width = positiveInteger(json, "n_embd", 768);
  const config: Gpt2Config = {
    vocab_size: positiveInteger(json, "vocab_size", 50257),
    n_embd: width,
    n_layer: layerCount(json, "n_layer", 12),
    n_head: positiveInteger(json, "n_head", 12),
    n_inner: positiveInteger(json, "n_inner", 4 * width),
    n_positions: positiveInteger(json, "n_positions", 1024),
    activation_function: oneOf(json, "activation_function", [
      "gelu_new",
      "gelu",
      "gelu_pytorch_tanh",
      "relu",
      "silu",
    ]),
    attn_pdrop: probability("attn_pdrop"),
    embd_pdrop: probability("embd_pdrop"),
    resid_pdrop: probability("resid_pdrop"),
    initializer_range: numberBetween(json, "initializer_range", { low: 0, high: 10, preset: 0.02 }),
    layer_norm_epsilon: numberBetween(json, "layer_norm_epsilon", {
      low: 0,
      high: 1,
      preset: 1e-5,
    }),
    tie_word_embeddings: json.tie_word_embeddings !== false,
  };
  if (width % config.n_head !== 0) throw fieldError(json, "n_head", `a divisor of n_embd ${width}`);
  return config;
}
