import { sizeOf, type Value } from "../graph.ts";
import { reshape, transpose } from "../ops/layout.ts";
import { gemm, matMul } from "../ops/matmul.ts";
import { reduceSum } from "../ops/reduce.ts";
import { type GradientRules, unbroadcast } from "./rule.ts";

/** Gradients of the matrix products. */
export const linearAlgebraGradients: GradientRules = {
  MatMul: ({ inputs: [a, b] }, g) => [
    unbroadcast(matMul(g, transposeLast(b!)), a!.shape),
    unbroadcast(matMul(transposeLast(a!), g), b!.shape),
  ],
  Gemm: ({ inputs: [a, b, c], attributes }, g) => {
    const { transA = false, transB = false } = attributes as { transA?: boolean; transB?: boolean };
    return [
      transA ? gemm(b!, g, { transA: transB, transB: true }) : gemm(g, b!, { transB: !transB }),
      transB ? gemm(g, a!, { transA: true, transB: transA }) : gemm(a!, g, { transA: !transA }),
      c && unbroadcast(g, c.shape),
    ];
  },
  Linear: ({ inputs: [x, weight] }, g) => {
    const [gRows, xRows] = [asRows(g), asRows(x!)];
    const gx = reshape(gemm(gRows, weight!), x!.shape);
    return [gx, gemm(gRows, xRows, { transA: true }), reduceSum(gRows, [0])];
  },
};

/** A value as a matrix with a row for each position: [..., C] -> [N, C]. */
export function asRows(x: Value): Value {
  return reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]);
}

function transposeLast(matrix: Value): Value {
  const rank = matrix.shape.length;
  const axes = matrix.shape.map((_, axis) => axis);
  return transpose(matrix, [...axes.slice(0, -2), rank - 1, rank - 2]);
}
