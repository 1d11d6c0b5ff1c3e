import { makeValue, ShapeError, show, type Value } from "../graph.ts";
import { broadcastShapes, requireFloat } from "./broadcast.ts";

/** The matrix product of the last two axes; the axes before them broadcast as in NumPy. */
export function matMul(a: Value, b: Value): Value {
  requireFloat("matMul", a);
  requireFloat("matMul", b);
  if (a.shape.length < 2 || b.shape.length < 2 || a.shape.at(-1) !== b.shape.at(-2))
    throw new ShapeError(
      `matMul: ${show(a.shape)} and ${show(b.shape)} do not multiply: the last size of the first must be the last but one of the second.`,
    );
  const batch = broadcastShapes("matMul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  return makeValue("MatMul", [a, b], {}, [...batch, a.shape.at(-2)!, b.shape.at(-1)!], a.dtype);
}

/** a · b (+ c) of matrices, each of a and b transposed first where asked; c broadcasts to the result. */
export function gemm(
  a: Value,
  b: Value,
  { c, transA = false, transB = false }: { c?: Value; transA?: boolean; transB?: boolean } = {},
): Value {
  for (const matrix of [a, b]) requireFloat("gemm", matrix);
  const [rows, inner] = transA ? [a.shape[1], a.shape[0]] : a.shape;
  const [innerB, columns] = transB ? [b.shape[1], b.shape[0]] : b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || inner !== innerB)
    throw new ShapeError(
      `gemm: ${show(a.shape)}${transA ? "ᵀ" : ""} and ${show(b.shape)}${transB ? "ᵀ" : ""} do not multiply.`,
    );
  const shape = [rows!, columns!];
  if (c !== undefined && show(broadcastShapes("gemm", c.shape, shape)) !== show(shape))
    throw new ShapeError(`gemm: ${show(c.shape)} does not broadcast to ${show(shape)}.`);
  const inputs = c === undefined ? [a, b] : [a, b, c];
  const transposed = { ...(transA && { transA }), ...(transB && { transB }) };
  return makeValue("Gemm", inputs, transposed, shape, a.dtype);
}

/** x · weightᵀ + bias: x [..., in], weight [out, in] as checkpoints hold it, bias [out]. */
export function linear(x: Value, weight: Value, bias?: Value): Value {
  const [columns, width] = weight.shape;
  if (weight.shape.length !== 2 || x.shape.length < 1 || x.shape.at(-1) !== width)
    throw new ShapeError(`linear: a weight ${show(weight.shape)} does not take ${show(x.shape)}.`);
  if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== columns))
    throw new ShapeError(
      `linear: a bias ${show(bias.shape)} does not fit a weight ${show(weight.shape)}.`,
    );
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
  for (const value of inputs) requireFloat("linear", value);
  return makeValue("Linear", inputs, {}, [...x.shape.slice(0, -1), columns!], x.dtype);
}
