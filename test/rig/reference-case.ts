import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toFloat32 } from "../../models/dtype.ts";
import { parseSafetensors } from "../../models/safetensors.ts";

/** A checkpoint, a batch, and what PyTorch computes from them. */
export interface ReferenceCase {
  /** The folder of the checkpoint. */
  readonly model: string;
  readonly encoding: {
    readonly input_ids: readonly (readonly number[])[];
    readonly token_type_ids: readonly (readonly number[])[];
    readonly attention_mask: readonly (readonly number[])[];
  };
  readonly labels: readonly number[];
  readonly loss: number;
  readonly losses: readonly number[];
  readonly gradNorms: readonly number[];
  readonly learningRates: readonly number[];
  /** `logits`, `grad.<name>`, `after.<name>`, … in double precision, stored as float32. */
  readonly golden: ReadonlyMap<string, Float32Array>;
  /** The greatest relative error allowed for a tensor of `golden`. */
  tolerance(name: string): number;
}

/** Reads a case folder, as test/golden/bert-classify or those that make_reference.py writes. */
export async function readReferenceCase(folder: string): Promise<ReferenceCase> {
  const json = JSON.parse(await readFile(join(folder, "case.json"), "utf8"));
  const { tensors } = parseSafetensors(await readFile(join(folder, "golden.safetensors")));
  return {
    model: join(folder, "model"),
    encoding: json.encoding,
    labels: json.labels.labels,
    loss: json.loss,
    losses: json.losses,
    gradNorms: json.grad_norms,
    learningRates: json.learning_rates,
    golden: new Map([...tensors].map(([name, t]) => [name, toFloat32(t.dtype, t.bytes)])),
    tolerance(name) {
      const floor = name.startsWith("grad.") ? 1e-4 : name.startsWith("after.") ? 1e-3 : 1e-5;
      return Math.max(floor, 10 * (json.float32_error[name] ?? 0));
    },
  };
}

/** ‖actual - expected‖ / ‖expected - base‖, where the base is zero unless given. */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  base?: ArrayLike<number>,
): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    size += (expected[i]! - (base?.[i] ?? 0)) ** 2;
  }
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Math.sqrt(error) / Math.max(Math.sqrt(size), 1e-30);
}
