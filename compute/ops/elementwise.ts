import { type DType, makeValue, ShapeError, type Value } from "../graph.ts";
import { asValue, broadcastShapes, type Operand, operands, requireFloat } from "./broadcast.ts";

/** a + b, broadcast as in NumPy. */
export const add = (a: Operand, b: Operand): Value => binary("Add", a, b);
/** a - b, broadcast as in NumPy. */
export const sub = (a: Operand, b: Operand): Value => binary("Sub", a, b);
/** a · b, broadcast as in NumPy. */
export const mul = (a: Operand, b: Operand): Value => binary("Mul", a, b);
/** a / b, broadcast as in NumPy. */
export const div = (a: Operand, b: Operand): Value => binary("Div", a, b);
/** Whether a = b: a bool tensor, broadcast as in NumPy. */
export const equal = (a: Operand, b: Operand): Value => binary("Equal", a, b, "bool");
/** Whether a > b: a bool tensor, broadcast as in NumPy. */
export const greater = (a: Operand, b: Operand): Value => binary("Greater", a, b, "bool");

/** -x. */
export const neg = (x: Value): Value => unary("Neg", x);
/** √x. */
export const sqrt = (x: Value): Value => unary("Sqrt", x);
/** e^x. */
export const exp = (x: Value): Value => unary("Exp", x);
/** The natural logarithm of x. */
export const log = (x: Value): Value => unary("Log", x);
/** The error function of x. */
export const erf = (x: Value): Value => unary("Erf", x);
/** The hyperbolic tangent of x. */
export const tanh = (x: Value): Value => unary("Tanh", x);
/** max(x, 0); its derivative at 0 is 0, as in PyTorch. */
export const relu = (x: Value): Value => unary("Relu", x);
/** 1 / (1 + e^-x). */
export const sigmoid = (x: Value): Value => unary("Sigmoid", x);
/** 1 / x. */
export const reciprocal = (x: Value): Value => unary("Reciprocal", x);

/** x with its elements converted; to bool: whether they differ from 0. */
export function cast(x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : makeValue("Cast", [x], { to: dtype }, x.shape, dtype);
}

/** a where the condition (bool) holds, else b; all three broadcast as in NumPy. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  if (condition.dtype !== "bool")
    throw new ShapeError(`where: the condition is ${condition.dtype}, not bool; cast it.`);
  const [left, right] = operands("where", a, b);
  const both = broadcastShapes("where", left.shape, right.shape);
  const shape = broadcastShapes("where", condition.shape, both);
  return makeValue("Where", [condition, left, right], {}, shape, left.dtype);
}

function binary(op: string, a: Operand, b: Operand, dtype?: DType): Value {
  const name = op.toLowerCase();
  const [left, right] = operands(name, a, b);
  const shape = broadcastShapes(name, left.shape, right.shape);
  return makeValue(op, [left, right], {}, shape, dtype ?? left.dtype);
}

function unary(op: string, x: Operand): Value {
  const value = asValue(x, "float32");
  requireFloat(op.toLowerCase(), value);
  return makeValue(op, [value], {}, value.shape, value.dtype);
}
