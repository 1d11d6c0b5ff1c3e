import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toFloat32 } from "../../models/dtype.ts";
import type { Task } from "../../models/model.ts";
import { parseSafetensors } from "../../models/safetensors.ts";

const TASKS: Readonly<Record<string, Task>> = {
  classify: "sequence-classification",
  tag: "token-classification",
  answer: "question-answering",
  mask: "masked-lm",
  generate: "causal-lm",
  translate: "sequence-to-sequence",
};

/** A checkpoint, a batch, and what PyTorch computes from them. */
export interface ReferenceCase {
  readonly task: Task;
  /** The folder of the checkpoint. */
  readonly model: string;
  readonly encoding: {
    readonly input_ids: readonly (readonly number[])[];
    readonly token_type_ids?: readonly (readonly number[])[];
    readonly attention_mask: readonly (readonly number[])[];
  };
  /** What the model is given to learn, as transformers takes it: one number a row, or one a token. */
  readonly labels: Readonly<Record<string, readonly (number | readonly number[])[]>>;
  /** The parameters without weight decay. */
  readonly noDecay: readonly string[];
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
    task: TASKS[json.task]!,
    model: join(folder, "model"),
    encoding: json.encoding,
    labels: json.labels,
    noDecay: json.no_decay,
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
