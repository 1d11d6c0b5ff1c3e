import type { Value } from "../../compute/graph.ts";
import { add, mul, type Operand } from "../../compute/ops.ts";

/** before · keep + now · share: a running mean inside a graph. */
export function blend(before: Value, keep: Operand, now: Value, share: Operand): Value {
  return add(mul(before, keep), mul(now, share));
}
