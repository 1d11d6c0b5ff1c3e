import type { NarrowType } from "../compute/graph.ts";
import type { TrainingArguments } from "./training-arguments.ts";

/** The type of 16 bits that a training's products are computed in; undefined: they stay in float32. */
export function productType({
  mixed_precision: asked,
}: Pick<TrainingArguments, "mixed_precision">): NarrowType | undefined {
  if (asked === "fp16") return "float16";
  return asked === "bf16" ? "bfloat16" : undefined;
}
