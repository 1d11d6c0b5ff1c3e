import { type DType, input } from "../compute/graph.ts";
import type { Model, TokenBatch } from "./model.ts";

/** The sizes of a batch, and which of a model's optional inputs it has. */
export interface BatchSizes {
  readonly rows: number;
  /** Tokens of a row. */
  readonly length: number;
  /** Tokens of a target, where the model reads one. */
  readonly targetLength?: number;
  /** How many logits are wanted (`logits_at`); absent: all. */
  readonly logitsAt?: number;
  /** Whether rows hold several texts each: then `position_ids` and `text_ids` tell them apart. */
  readonly packed?: boolean;
}

/** A batch of these sizes as the graph inputs that the model reads, by their names. */
export function batchInputs(
  { inputs }: Pick<Model, "inputs">,
  { rows, length, targetLength, logitsAt, packed }: BatchSizes,
  dtype: DType = "int32",
): TokenBatch {
  const row = (name: string, size = length) => input(name, [rows, size], dtype);
  return {
    inputIds: row("input_ids"),
    attentionMask: row("attention_mask"),
    ...(inputs.includes("token_type_ids") && { tokenTypeIds: row("token_type_ids") }),
    ...(inputs.includes("decoder_input_ids") && {
      decoder: { inputIds: row("decoder_input_ids", targetLength ?? length) },
    }),
    ...(logitsAt !== undefined && { logitsAt: input("logits_at", [logitsAt], dtype) }),
    ...(packed && { positionIds: row("position_ids"), textIds: row("text_ids") }),
  };
}
