import {
  constant,
  type DType,
  isNarrow,
  type Shape,
  ShapeError,
  show,
  type Value,
} from "../graph.ts";

/** What an operation reads: a value, or a number that becomes a scalar of the other operand's type. */
export type Operand = Value | number;

/** The shape of two operands under NumPy's rules. Throws ShapeError, in the operation's name. */
export function broadcastShapes(operation: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new ShapeError(
      `${operation}: ${show(a)} and ${show(b)} do not broadcast: ${left} and ${right}.`,
    );
  });
}

/** Both operands as values of one type. Throws ShapeError when their types differ. */
export function operands(operation: string, a: Operand, b: Operand): readonly [Value, Value] {
  const dtype = typeof a === "number" ? (typeof b === "number" ? "float32" : b.dtype) : a.dtype;
  const [left, right] = [asValue(a, dtype), asValue(b, dtype)];
  if (left.dtype !== right.dtype)
    throw new ShapeError(
      `${operation}: operands are ${left.dtype} and ${right.dtype}; cast one of them.`,
    );
  return [left, right];
}

/** A number as a scalar constant of this type; a value as it is. */
export function asValue(operand: Operand, dtype: DType): Value {
  return typeof operand === "number" ? constant(operand, [], dtype) : operand;
}

/** The axis counted from the front, from 0. Throws ShapeError outside of the shape. */
export function axisOf(operation: string, axis: number, shape: Shape): number {
  const positive = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= shape.length)
    throw new ShapeError(`${operation}: axis ${axis} is not an axis of ${show(shape)}.`);
  return positive;
}

/** Throws ShapeError unless the value holds floats: of 32 bits, or inside of a graph of 16. */
export function requireFloat(operation: string, value: Value): void {
  if (value.dtype !== "float32" && !isNarrow(value.dtype))
    throw new ShapeError(`${operation}: needs float32, got ${value.dtype}; cast it.`);
}
