import type { Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { causalMask, mergeHeads, repeatHeads, splitHeads, withPast } from "./attention.ts";
import type { ConfigJson } from "./config-json.ts";
import { scoreLastToken, scoreSpecs } from "./last-token.ts";
import {
  applyEmbedding,
  applyLinear,
  applyRmsNorm,
  type DropoutMasks,
  linearSpecs,
  type ParameterValues,
  parameterValue,
  rmsNormSpec,
  rowsAt,
  weightSpec,
} from "./layers.ts";
import { type LlamaConfig, type LlamaKind, readLlamaConfig } from "./llama-config.ts";
import type { Architecture, KeyValue, ModelRequest, Task, TokenBatch } from "./model.ts";
import { ofHead, type ParameterSpec } from "./parameters.ts";
import { type RotaryAngles, type RotaryTable, rotaryTable } from "./rotary.ts";

const WORDS = "model.embed_tokens";

/**
 * Llama: a decoder with rotary positions, RMS norms, SwiGLU and shared keys. SmolLM and many others are of
 * this type. https://arxiv.org/abs/2302.13971, https://arxiv.org/abs/2305.13245
 * Original source: https://github.com/meta-llama/llama/blob/main/llama/model.py
 */
export const llama = llamaLike({
  modelType: "llama",
  stem: "Llama",
  presets: { max_position_embeddings: 2048, head_dim: null, num_key_value_heads: null },
});

/** Mistral: Llama with a window, which rows here may not exceed. https://arxiv.org/abs/2310.06825 */
export const mistral = llamaLike({
  modelType: "mistral",
  stem: "Mistral",
  presets: { max_position_embeddings: 131_072, head_dim: null, num_key_value_heads: 8 },
  window: ({ sliding_window = 4096 }) => sliding_window,
});

const qwenWindow = ({ use_sliding_window, sliding_window = 4096 }: ConfigJson) =>
  use_sliding_window === true ? sliding_window : null;

/** Qwen2: Llama with biases of queries, keys and values. https://arxiv.org/abs/2407.10671 */
export const qwen2 = llamaLike({
  modelType: "qwen2",
  stem: "Qwen2",
  presets: { max_position_embeddings: 32_768, head_dim: null, num_key_value_heads: 32 },
  window: qwenWindow,
  biases: ["q_proj", "k_proj", "v_proj"],
});

/** Qwen3: Llama with norms of queries and keys. https://arxiv.org/abs/2505.09388 */
export const qwen3 = llamaLike({
  modelType: "qwen3",
  stem: "Qwen3",
  presets: { max_position_embeddings: 32_768, head_dim: 128, num_key_value_heads: 32 },
  window: qwenWindow,
  headNorms: true,
});

interface Context {
  readonly kind: LlamaKind;
  readonly params: ParameterValues;
  readonly dropoutMasks: DropoutMasks;
  readonly config: LlamaConfig;
  readonly rotary: RotaryTable;
}

/** Parameter names and defaults are those of transformers' LlamaForCausalLM and its like. */
function llamaLike(kind: LlamaKind): Architecture {
  const classNames = {
    "causal-lm": `${kind.stem}ForCausalLM`,
    "sequence-classification": `${kind.stem}ForSequenceClassification`,
    "feature-extraction": `${kind.stem}Model`,
  };
  return {
    modelType: kind.modelType,
    classNames,
    heads: ["lm_head.", "score."],
    model(json, request) {
      const { task } = request;
      const config = readLlamaConfig(json, kind);
      const { padTokenId, maxLength } = config;
      const rotary = rotaryTable(json, { width: config.head_dim, maxLength });
      return {
        task,
        className: classNames[task as keyof typeof classNames],
        vocabSize: config.vocab_size,
        hiddenSize: config.hidden_size,
        maxLength,
        padTokenId,
        keyValueSizes: {
          layers: config.num_hidden_layers,
          heads: config.num_key_value_heads,
          width: config.head_dim,
        },
        ...(task === "sequence-classification" && { headReads: "lasttoken" }),
        inputs: ["input_ids", "attention_mask"],
        parameters: [...decoderSpecs(config, kind), ...headSpecs(config, request)],
        compute(params, batch, dropoutMasks) {
          const context = { kind, params, dropoutMasks, config, rotary };
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
}

/** Embeddings, the layers, and a last norm. */
function decode(context: Context, batch: TokenBatch) {
  const { params, config, rotary } = context;
  let x = applyEmbedding(batch.inputIds, params, WORDS); // (B, T, C)
  const mask = causalMask(batch); // (B, 1, T, S + T)
  const angles = rotary(batch.inputIds.shape[1]!, batch.positionIds);
  const keyValues: KeyValue[] = [];
  const layerInputs: Value[] = [];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    layerInputs.push(x);
    const past = batch.past?.layers[i];
    const made = layer(context, { x, mask, angles, past, prefix: `model.layers.${i}` });
    x = made.x;
    keyValues.push(made.keyValue);
  }
  return { x: norm(context, x, "model.norm"), keyValues, layerInputs };
}

interface LayerInput {
  readonly x: Value;
  readonly mask: Value;
  readonly angles: RotaryAngles;
  readonly past: KeyValue | undefined;
  readonly prefix: string;
}

/** One layer: attention and SwiGLU (https://arxiv.org/abs/2002.05202), each of a norm and with a residual. */
function layer(context: Context, { x, prefix, ...given }: LayerInput) {
  const { params } = context;
  const normed = norm(context, x, `${prefix}.input_layernorm`); // (B, T, C)
  const attention = { x: normed, ...given, prefix: `${prefix}.self_attn` };
  const attended = selfAttention(context, attention);
  const y = ops.add(x, attended.x);
  const wide = norm(context, y, `${prefix}.post_attention_layernorm`);
  const gate = ops.silu(applyLinear(wide, params, `${prefix}.mlp.gate_proj`)); // (B, T, F)
  const gated = ops.mul(gate, applyLinear(wide, params, `${prefix}.mlp.up_proj`));
  const z = ops.add(y, applyLinear(gated, params, `${prefix}.mlp.down_proj`)); // (B, T, C)
  return { x: z, keyValue: attended.keyValue };
}

function selfAttention(context: Context, { x, mask, angles, past, prefix }: LayerInput) {
  const { kind, params, dropoutMasks, config } = context;
  const [batch, length] = x.shape as [number, number, number];
  const { num_attention_heads: heads, num_key_value_heads: keyHeads } = config;
  const project = (name: string, count: number) =>
    splitHeads(applyLinear(x, params, `${prefix}.${name}_proj`), count); // (B, h, T, d)
  const turn = (name: string, count: number) => {
    const plain = project(name, count);
    const normed = kind.headNorms ? norm(context, plain, `${prefix}.${name}_norm`) : plain;
    return ops.rotate(normed, angles); // (B, h, T, d)
  };
  const own = { key: turn("k", keyHeads), value: project("v", keyHeads) };
  const seen = withPast(own, past); // (B, hk, S + T, d)
  const p = config.attention_dropout;
  const dropoutMask = dropoutMasks(prefix, [batch, heads, length, seen.key.shape[2]!], p);
  const times = heads / keyHeads;
  const y = ops.attention(
    turn("q", heads),
    repeatHeads(seen.key, times),
    repeatHeads(seen.value, times),
    { scale: 1 / Math.sqrt(config.head_dim), mask, ...(dropoutMask && { dropoutMask, p }) },
  ); // (B, h, T, d)
  return { x: applyLinear(mergeHeads(y), params, `${prefix}.o_proj`), keyValue: own };
}

function norm({ params, config }: Context, x: Value, prefix: string): Value {
  return applyRmsNorm(x, params, { prefix, eps: config.rms_norm_eps });
}

/** Words are told by the embeddings that read them, unless the model has a head of its own. */
function headWeight({ params, config }: Context): Value {
  return parameterValue(params, `${config.tie_word_embeddings ? WORDS : "lm_head"}.weight`);
}

function decoderSpecs(config: LlamaConfig, kind: LlamaKind): ParameterSpec[] {
  const { hidden_size: width, head_dim, initializer_range: deviation } = config;
  const matrix = (prefix: string, [rows, columns]: readonly [number, number], biased: boolean) => {
    const specs = linearSpecs(prefix, [columns, rows], deviation);
    return biased ? specs : specs.slice(0, 1);
  };
  const words = weightSpec(WORDS, [config.vocab_size, width], deviation);
  const specs = [
    { ...words, ...(config.pad_token_id !== null && { paddingRow: config.pad_token_id }) },
  ];
  const [all, shared] = [config.num_attention_heads, config.num_key_value_heads].map(
    (heads) => heads * head_dim,
  ) as [number, number];
  const projections = { q_proj: all, k_proj: shared, v_proj: shared } as const;
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const prefix = `model.layers.${i}`;
    specs.push(rmsNormSpec(`${prefix}.input_layernorm`, width));
    for (const [name, rows] of Object.entries(projections)) {
      const biased = config.attention_bias || (kind.biases?.includes(name) ?? false);
      specs.push(...matrix(`${prefix}.self_attn.${name}`, [rows, width], biased));
    }
    specs.push(...matrix(`${prefix}.self_attn.o_proj`, [width, all], config.attention_bias));
    if (kind.headNorms)
      for (const name of ["q_norm", "k_norm"])
        specs.push(rmsNormSpec(`${prefix}.self_attn.${name}`, head_dim));
    specs.push(rmsNormSpec(`${prefix}.post_attention_layernorm`, width));
    const { intermediate_size: wide, mlp_bias: biased } = config;
    for (const name of ["gate_proj", "up_proj"])
      specs.push(...matrix(`${prefix}.mlp.${name}`, [wide, width], biased));
    specs.push(...matrix(`${prefix}.mlp.down_proj`, [width, wide], biased));
  }
  return [...specs, rmsNormSpec("model.norm", width)];
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

function headSpecs(config: LlamaConfig, { task, numLabels }: ModelRequest): ParameterSpec[] {
  const { hidden_size: width, vocab_size, initializer_range: deviation } = config;
  if (task === "sequence-classification") return scoreSpecs([width, numLabels], deviation);
  if (task === "feature-extraction") return [];
  if (config.tie_word_embeddings) return [];
  return ofHead([weightSpec("lm_head", [vocab_size, width], deviation)]);
}

/** A base model's names lack the prefix; older files hold rotary frequencies, and the tied weight twice. */
function parameterName(checkpointName: string, config: LlamaConfig): string | undefined {
  if (checkpointName.endsWith("rotary_emb.inv_freq")) return undefined;
  if (checkpointName === "lm_head.weight" && config.tie_word_embeddings) return undefined;
  return checkpointName.replace(/^(embed_tokens|layers|norm)\./, "model.$1.");
}
