import { type DType, input } from "../compute/graph.ts";
import type { InputName, Model, TokenBatch } from "./model.ts";

/** The sizes of a batch: rows, tokens of a row, and tokens of a target where the model reads one. */
export interface BatchSizes {
  readonly rows: number;
  readonly length: number;
  readonly targetLength?: number;
}

/** A batch of these sizes as the graph inputs that the model reads, by their names. */
export function batchInputs(
  { inputs }: Pick<Model, "inputs">,
  { rows, length, targetLength }: BatchSizes,
  dtype: DType = "int32",
): TokenBatch {
  const row = (name: InputName, size = length) => input(name, [rows, size], dtype);
  return {
    inputIds: row("input_ids"),
    attentionMask: row("attention_mask"),
    ...(inputs.includes("token_type_ids") && { tokenTypeIds: row("token_type_ids") }),
    ...(inputs.includes("decoder_input_ids") && {
      decoder: { inputIds: row("decoder_input_ids", targetLength ?? length) },
    }),
  };
}
