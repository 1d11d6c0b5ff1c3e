import type { TensorData } from "../../compute/device.ts";
import type { TrainingBatch } from "../../training/training-step.ts";
import type { ReferenceCase } from "./reference-case.ts";

type Rows = readonly (readonly number[])[];
const IGNORED = -100;

/** The batch of a case as its model is trained on it: labels moved or shifted, weights that make a mean. */
export function referenceBatch({ task, encoding, labels }: ReferenceCase): TrainingBatch {
  const { input_ids: ids } = encoding;
  const tensors = Object.entries(encoding).map(([name, rows]) => [name, int32(rows)] as const);
  const sizes = { rows: ids.length, length: ids[0]!.length };
  if (task === "question-answering") {
    const spans = Object.entries(labels).map(([name, row]) => [name, int32(row)] as const);
    const weights = new Float32Array(ids.length).fill(1 / ids.length);
    const label_weights = { dtype: "float32", shape: [ids.length], data: weights } as const;
    return { sizes, tensors: new Map([...tensors, ...spans, ["label_weights", label_weights]]) };
  }
  const given = labels.labels!;
  if (task === "sequence-to-sequence") {
    const targets = given as Rows;
    const shifted = targets.map((row) => [0, ...row.slice(0, -1)]); // 0 starts a target
    return {
      sizes: { ...sizes, targetLength: targets[0]!.length },
      tensors: new Map([
        ...tensors,
        ["decoder_input_ids", int32(shifted)],
        ...weighted(int32(targets)),
      ]),
    };
  }
  const next = (given as Rows).map((row) =>
    task === "causal-lm" ? [...row.slice(1), IGNORED] : row,
  );
  return { sizes, tensors: new Map([...tensors, ...weighted(int32(next))]) };
}

function weighted(labels: TensorData): [string, TensorData][] {
  const counted = Array.from(labels.data as Int32Array, (label) => Number(label !== IGNORED));
  const total = counted.reduce((sum, one) => sum + one, 0);
  const data = Float32Array.from(counted, (one) => one / total);
  return [
    ["labels", labels],
    ["label_weights", { dtype: "float32", shape: labels.shape, data }],
  ];
}

function int32(rows: readonly (number | readonly number[])[]): TensorData {
  const [first] = rows;
  const shape = typeof first === "number" ? [rows.length] : [rows.length, first!.length];
  return { dtype: "int32", shape, data: Int32Array.from(rows.flat()) };
}
