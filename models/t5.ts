import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { causalMask, counted, mergeHeads, paddingMask, splitHeads, withPast } from "./attention.ts";
import {
  activate,
  applyEmbedding,
  applyLinear,
  applyRmsNorm,
  type DropoutMasks,
  drop,
  type ParameterValues,
  parameterValue,
  rowsAt,
} from "./layers.ts";
import type { Architecture, DecoderBatch, KeyValue, ModelOutput, TokenBatch } from "./model.ts";
import { relativeBias } from "./relative-bias.ts";
import { readT5Config, type T5Config } from "./t5-config.ts";
import { t5Specs } from "./t5-specs.ts";

/**
 * T5: an encoder and a decoder with biases by distance instead of positions. https://arxiv.org/abs/1910.10683
 * Original source: https://github.com/google-research/text-to-text-transfer-transformer
 * Parameter names and defaults are those of transformers' T5ForConditionalGeneration.
 */
export const t5: Architecture = {
  modelType: "t5",
  classNames: { "sequence-to-sequence": "T5ForConditionalGeneration" },
  heads: ["lm_head."],
  model(json, { task }) {
    const config = readT5Config(json);
    return {
      task,
      className: t5.classNames[task]!,
      vocabSize: config.vocab_size,
      hiddenSize: config.d_model,
      maxLength: MAX_LENGTH,
      padTokenId: config.pad_token_id,
      decoderStartTokenId: config.decoder_start_token_id,
      keyValueSizes: {
        layers: config.num_decoder_layers,
        heads: config.num_heads,
        width: config.d_kv,
      },
      inputs: ["input_ids", "attention_mask", "decoder_input_ids"],
      parameters: t5Specs(config),
      compute: (params, batch, dropoutMasks) => compute({ params, dropoutMasks, config }, batch),
      parameterName: (name) => parameterName(name, config),
    };
  },
};

/** Distances have no end, and so no row is too long by itself; this one keeps attention within memory. */
const MAX_LENGTH = 16_384;

interface Context {
  readonly params: ParameterValues;
  readonly dropoutMasks: DropoutMasks;
  readonly config: T5Config;
}

function compute(context: Context, batch: TokenBatch): ModelOutput {
  const { params, config } = context;
  const target = batch.decoder!;
  const encoder = target.encoded === undefined ? encode(context, batch) : undefined;
  const encoded = target.encoded ?? encoder!.x; // (B, T, C)
  const { x, keyValues, crossKeyValues, layerInputs } = decode(context, {
    target,
    encoded,
    crossMask: paddingMask(batch.attentionMask), // (B, 1, 1, T)
  }); // (B, U, C)
  const at = rowsAt(x, batch.logitsAt);
  const scaled = config.scale_decoder_outputs ? ops.mul(at, config.d_model ** -0.5) : at;
  const weight = config.tie_word_embeddings ? "shared.weight" : "lm_head.weight";
  const logits = ops.linear(scaled, parameterValue(params, weight)); // (B, U, V)
  return {
    lastHiddenState: x,
    logits,
    keyValues,
    encoded,
    crossKeyValues,
    layerInputs: [...(encoder?.layerInputs ?? []), encoded, ...layerInputs],
  };
}

function encode(context: Context, { inputIds, attentionMask }: TokenBatch) {
  const { config } = context;
  const places = counted(inputIds.shape[1]!); // (T)
  const bias = biasOf(context, { stack: "encoder", queries: places, keys: places });
  const mask = ops.add(bias, paddingMask(attentionMask)); // (B, h, T, T)
  let x = embed(context, inputIds, "encoder"); // (B, T, C)
  const layerInputs: Value[] = [];
  for (let i = 0; i < config.num_layers; i++) {
    const prefix = `encoder.block.${i}`;
    layerInputs.push(x);
    x = attend(context, { x, mask, prefix: `${prefix}.layer.0`, name: "SelfAttention" }).x;
    x = feedForward(context, x, `${prefix}.layer.1`);
  }
  return { x: finish(context, x, "encoder"), layerInputs };
}

function decode(
  context: Context,
  given: { readonly target: DecoderBatch; readonly encoded: Value; readonly crossMask: Value },
) {
  const { target, encoded, crossMask: mask } = given;
  const selfMask = decoderMask(context, target); // (1 or B, h, U, P + U)
  const [keyValues, crossKeyValues]: [KeyValue[], KeyValue[]] = [[], []];
  let x = embed(context, target.inputIds, "decoder"); // (B, U, C)
  const layerInputs: Value[] = [];
  for (let i = 0; i < context.config.num_decoder_layers; i++) {
    const prefix = `decoder.block.${i}.layer`;
    layerInputs.push(x);
    const own = { prefix: `${prefix}.0`, name: "SelfAttention", past: target.past?.layers[i] };
    const self = attend(context, { x, mask: selfMask, ...own });
    const other = { prefix: `${prefix}.1`, name: "EncDecAttention", known: target.cross?.[i] };
    const cross = attend(context, { x: self.x, mask, ...other, encoded });
    keyValues.push(self.keyValue);
    crossKeyValues.push(cross.keyValue);
    x = feedForward(context, cross.x, `${prefix}.2`);
  }
  return { x: finish(context, x, "decoder"), keyValues, crossKeyValues, layerInputs };
}

/** Distances to the past and to the batch's own tokens, of which later ones are hidden. */
function decoderMask(context: Context, { inputIds, positionIds, past }: DecoderBatch): Value {
  const [batch, length] = inputIds.shape as [number, number];
  const queries = positionIds ? ops.cast(positionIds, "float32") : counted(length); // ([B,] U)
  const slots = past?.mask.shape[1] ?? 0;
  const before = past && ops.expand(counted(slots), [batch, slots]);
  const keys = before ? ops.concat([before, queries], 1) : queries; // ([B,] P + U)
  const bias = biasOf(context, { stack: "decoder", queries, keys });
  const tokens = constant(1, [batch, length]);
  return ops.add(bias, causalMask({ attentionMask: tokens, ...(past && { past }) }));
}

function biasOf(
  { params, config }: Context,
  { stack, queries, keys }: { stack: "encoder" | "decoder"; queries: Value; keys: Value },
): Value {
  const prefix = `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias`;
  const table = parameterValue(params, `${prefix}.weight`); // (buckets, h)
  return relativeBias(
    table,
    { queries, keys },
    {
      count: config.relative_attention_num_buckets,
      maxDistance: config.relative_attention_max_distance,
      bothWays: stack === "encoder",
    },
  );
}

interface Attention {
  readonly x: Value;
  readonly mask: Value;
  readonly prefix: string;
  readonly name: string;
  readonly past?: KeyValue | undefined;
  /** What keys and values are made of, where that is not x. */
  readonly encoded?: Value;
  /** Keys and values that were made of it before. */
  readonly known?: KeyValue | undefined;
}

/** Attention of a norm, with a residual; scores are not scaled. */
function attend(context: Context, given: Attention) {
  const { params, dropoutMasks, config } = context;
  const { x, mask, prefix, name, past, encoded, known } = given;
  const [batch, length] = x.shape as [number, number];
  const heads = config.num_heads;
  const normed = norm(context, x, prefix); // (B, U, C)
  const project = (from: Value, part: string) =>
    splitHeads(applyLinear(from, params, `${prefix}.${name}.${part}`), heads); // (B, h, U, d)
  const source = encoded ?? normed;
  const keyValue = known ?? { key: project(source, "k"), value: project(source, "v") };
  const seen = withPast(keyValue, past);
  const p = config.dropout_rate;
  const site = `${prefix}.${name}`;
  const dropoutMask = dropoutMasks(site, [batch, heads, length, seen.key.shape[2]!], p);
  const y = ops.attention(project(normed, "q"), seen.key, seen.value, {
    scale: 1,
    mask,
    ...(dropoutMask && { dropoutMask, p }),
  }); // (B, h, U, d)
  const mixed = applyLinear(mergeHeads(y), params, `${prefix}.${name}.o`); // (B, U, C)
  return { x: ops.add(x, drop(mixed, dropoutMasks, { site: prefix, p })), keyValue };
}

/** A feed-forward network of a norm, with a residual. */
function feedForward(context: Context, x: Value, prefix: string): Value {
  const { params, dropoutMasks, config } = context;
  const p = config.dropout_rate;
  const inner = `${prefix}.DenseReluDense`;
  const normed = norm(context, x, prefix); // (B, T, C)
  const first = applyLinear(normed, params, `${inner}.${config.isGated ? "wi_0" : "wi"}`);
  const active = activate(first, config.activation); // (B, T, F)
  const wide = config.isGated
    ? ops.mul(active, applyLinear(normed, params, `${inner}.wi_1`))
    : active;
  const kept = drop(wide, dropoutMasks, { site: inner, p });
  const narrow = applyLinear(kept, params, `${inner}.wo`); // (B, T, C)
  return ops.add(x, drop(narrow, dropoutMasks, { site: prefix, p }));
}

function embed({ params, dropoutMasks, config }: Context, ids: Value, stack: string): Value {
  const words = applyEmbedding(ids, params, "shared"); // (B, T, C)
  return drop(words, dropoutMasks, { site: `${stack}.embed_tokens`, p: config.dropout_rate });
}

function finish({ params, dropoutMasks, config }: Context, x: Value, stack: string): Value {
  const prefix = `${stack}.final_layer_norm`;
  const y = applyRmsNorm(x, params, { prefix, eps: config.layer_norm_epsilon });
  return drop(y, dropoutMasks, { site: prefix, p: config.dropout_rate });
}

function norm({ params, config }: Context, x: Value, prefix: string): Value {
  return applyRmsNorm(x, params, {
    prefix: `${prefix}.layer_norm`,
    eps: config.layer_norm_epsilon,
  });
}

/** Checkpoints may hold the shared embeddings up to four times, and a bias that nothing reads. */
function parameterName(checkpointName: string, config: T5Config): string | undefined {
  const isCopy =
    /^(en|de)coder\.embed_tokens\.weight$/.test(checkpointName) ||
    /EncDecAttention\.relative_attention_bias\.weight$/.test(checkpointName) ||
    (checkpointName === "lm_head.weight" && config.tie_word_embeddings);
  return isCopy ? undefined : checkpointName;
}
