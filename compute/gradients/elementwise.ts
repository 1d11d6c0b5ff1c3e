import { cast, div, exp, greater, mul, neg, sub, where } from "../ops/elementwise.ts";
import { type GradientRules, unbroadcast } from "./rule.ts";

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

/** Gradients of the operations on single elements. */
export const elementwiseGradients: GradientRules = {
  Add: ({ inputs: [a, b] }, g) => [unbroadcast(g, a!.shape), unbroadcast(g, b!.shape)],
  Sub: ({ inputs: [a, b] }, g) => [unbroadcast(g, a!.shape), unbroadcast(neg(g), b!.shape)],
  Mul: ({ inputs: [a, b] }, g) => [
    unbroadcast(mul(g, b!), a!.shape),
    unbroadcast(mul(g, a!), b!.shape),
  ],
  Div: (y, g) => {
    const [a, b] = y.inputs;
    const ga = div(g, b!);
    return [unbroadcast(ga, a!.shape), unbroadcast(neg(mul(ga, y)), b!.shape)];
  },
  Neg: (_, g) => [neg(g)],
  Sqrt: (y, g) => [div(g, mul(y, 2))],
  Exp: (y, g) => [mul(g, y)],
  Log: ({ inputs: [x] }, g) => [div(g, x!)],
  Erf: ({ inputs: [x] }, g) => [mul(g, mul(exp(neg(mul(x!, x!))), TWO_OVER_ROOT_PI))],
  Tanh: (y, g) => [mul(g, sub(1, mul(y, y)))],
  Relu: (y, g) => [where(greater(y, 0), g, 0)],
  Sigmoid: (y, g) => [mul(g, mul(y, sub(1, y)))],
  Reciprocal: (y, g) => [neg(mul(g, mul(y, y)))],
  Cast: ({ inputs: [x] }, g) => [x!.dtype === "float32" ? cast(g, "float32") : undefined],
  Where: ({ inputs: [condition, a, b] }, g) => [
    undefined,
    unbroadcast(where(condition!, g, 0), a!.shape),
    unbroadcast(where(condition!, 0, g), b!.shape),
  ],
};
