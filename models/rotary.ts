import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { type ConfigJson, fieldError } from "./config-json.ts";

/** Cosines and sines of the angle of each pair at each position, which broadcast to [B, h, T, d / 2]. */
export interface RotaryAngles {
  readonly cos: Value;
  readonly sin: Value;
}

/** Angles for the positions of a batch: those given, int [B, T], or 0, 1, 2, … */
export type RotaryTable = (length: number, positionIds?: Value) => RotaryAngles;

/**
 * The rotary positions of a configuration, for heads of this width, up to `maxLength`. A ModelError names
 * a kind of scaling that is not known here. https://arxiv.org/abs/2104.09864
 */
export function rotaryTable(
  json: ConfigJson,
  { width, maxLength }: { width: number; maxLength: number },
): RotaryTable {
  const frequencies = frequenciesOf(json, width);
  let tables: RotaryAngles | undefined;
  return (length, positionIds) => {
    tables ??= {
      cos: tableOf(Math.cos, { frequencies, maxLength }),
      sin: tableOf(Math.sin, { frequencies, maxLength }),
    };
    const pick = (table: Value) => {
      if (positionIds === undefined)
        return ops.slice(table, { axes: [0], starts: [0], ends: [length] }); // (T, d / 2)
      return ops.reshape(ops.gather(table, positionIds), [-1, 1, length, width / 2]); // (B, 1, T, d / 2)
    };
    return { cos: pick(tables.cos), sin: pick(tables.sin) };
  };
}

/** Angles are rounded to float32 where PyTorch rounds them: at position 2000 that changes the fourth digit. */
function tableOf(
  of: (angle: number) => number,
  { frequencies, maxLength }: { frequencies: Float32Array; maxLength: number },
): Value {
  const data = new Float32Array(maxLength * frequencies.length);
  for (let i = 0; i < data.length; i++) {
    const position = Math.floor(i / frequencies.length);
    data[i] = of(Math.fround(position * frequencies[i % frequencies.length]!));
  }
  return constant(data, [maxLength, frequencies.length]);
}

interface Scaling {
  readonly type: string;
  readonly theta: number;
  readonly fields: ConfigJson;
}

/** transformers 5 says rope_parameters, transformers 4 rope_theta and rope_scaling. */
function scalingOf(json: ConfigJson): Scaling {
  const field = json.rope_parameters ? "rope_parameters" : "rope_scaling";
  const fields = (json[field] ?? {}) as ConfigJson;
  const theta = fields.rope_theta ?? json.rope_theta ?? 10_000;
  const type = fields.rope_type ?? fields.type ?? "default";
  if (typeof theta !== "number" || !(theta > 0))
    throw fieldError(json, json.rope_theta ? "rope_theta" : field, "a rope_theta above 0");
  if (type !== "default" && type !== "linear" && type !== "llama3")
    throw fieldError(json, field, "the rope_type default, linear or llama3");
  if ((fields.partial_rotary_factor ?? json.partial_rotary_factor ?? 1) !== 1)
    throw fieldError(json, "partial_rotary_factor", "1");
  return { type, theta, fields };
}

/** The angle by which each pair turns from one position to the next, in float32. */
function frequenciesOf(json: ConfigJson, width: number): Float32Array {
  const { type, theta, fields } = scalingOf(json);
  const plain = Float32Array.from({ length: width / 2 }, (_, i) => {
    const power = Math.fround(theta ** Math.fround((2 * i) / width));
    return 1 / power;
  });
  if (type === "default") return plain;
  const number = (name: string) => {
    const value = fields[name];
    if (typeof value === "number" && value > 0) return value;
    const field = json.rope_parameters ? "rope_parameters" : "rope_scaling";
    throw fieldError(json, field, `a ${name} above 0`);
  };
  const factor = number("factor");
  if (type === "linear") return plain.map((frequency) => frequency / factor);
  const [low, high] = [number("low_freq_factor"), number("high_freq_factor")];
  const length = number("original_max_position_embeddings");
  return plain.map((frequency) => scaledByLength(frequency, { factor, low, high, length }));
}

/** Llama 3.1's scaling: slow turns become slower by the factor, fast ones stay, those between are mixed. */
function scaledByLength(
  frequency: number,
  { factor, low, high, length }: { factor: number; low: number; high: number; length: number },
): number {
  const turns = length / ((2 * Math.PI) / frequency); // within the length that the model first had
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const share = (turns - low) / (high - low);
  return ((1 - share) * frequency) / factor + share * frequency;
}
