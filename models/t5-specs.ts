import { rmsNormSpec, weightSpec } from "./layers.ts";
import type { ParameterSpec } from "./parameters.ts";
import type { T5Config } from "./t5-config.ts";

/** The parameters of T5, with the deviations of its first weights. */
export function t5Specs(config: T5Config): ParameterSpec[] {
  const { d_model: width, vocab_size, initializer_factor: factor } = config;
  return [
    weightSpec("shared", [vocab_size, width], factor),
    ...stackSpecs(config, "encoder"),
    ...stackSpecs(config, "decoder"),
    ...(config.tie_word_embeddings ? [] : [weightSpec("lm_head", [vocab_size, width], factor)]),
  ];
}

function stackSpecs(config: T5Config, stack: "encoder" | "decoder"): ParameterSpec[] {
  const { d_model: width, num_heads: heads } = config;
  const bias = `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias`;
  const buckets = config.relative_attention_num_buckets;
  const deviation = config.initializer_factor * width ** -0.5;
  const specs = [weightSpec(bias, [buckets, heads], deviation)];
  const isDecoder = stack === "decoder";
  const layers = isDecoder ? config.num_decoder_layers : config.num_layers;
  for (let i = 0; i < layers; i++) {
    const prefix = `${stack}.block.${i}.layer`;
    specs.push(...attentionSpecs(config, `${prefix}.0`, "SelfAttention"));
    if (isDecoder) specs.push(...attentionSpecs(config, `${prefix}.1`, "EncDecAttention"));
    specs.push(...feedForwardSpecs(config, `${prefix}.${isDecoder ? 2 : 1}`));
  }
  return [...specs, rmsNormSpec(`${stack}.final_layer_norm`, width)];
}

function attentionSpecs(config: T5Config, prefix: string, name: string): ParameterSpec[] {
  const { d_model: width, d_kv, num_heads, initializer_factor: factor } = config;
  const inner = num_heads * d_kv;
  return [
    weightSpec(`${prefix}.${name}.q`, [inner, width], factor * (width * d_kv) ** -0.5),
    weightSpec(`${prefix}.${name}.k`, [inner, width], factor * width ** -0.5),
    weightSpec(`${prefix}.${name}.v`, [inner, width], factor * width ** -0.5),
    weightSpec(`${prefix}.${name}.o`, [width, inner], factor * inner ** -0.5),
    rmsNormSpec(`${prefix}.layer_norm`, width),
  ];
}

function feedForwardSpecs(config: T5Config, prefix: string): ParameterSpec[] {
  const { d_model: width, d_ff: wide, initializer_factor: factor } = config;
  const inner = `${prefix}.DenseReluDense`;
  const first = config.isGated ? ["wi_0", "wi_1"] : ["wi"];
  return [
    ...first.map((name) => weightSpec(`${inner}.${name}`, [wide, width], factor * width ** -0.5)),
    weightSpec(`${inner}.wo`, [width, wide], factor * wide ** -0.5),
    rmsNormSpec(`${prefix}.layer_norm`, width),
  ];
}
