import { kernels } from "../kernels.ts";

/** The numbers of one AdamW step that are equal for all elements of a parameter. */
export interface AdamCoefficients {
  readonly beta1: number;
  readonly beta2: number;
  /** What gradients are multiplied by first: below 1 where they are clipped. */
  readonly gradientScale: number;
  /** learning rate / (1 - beta1^step) */
  readonly stepSize: number;
  /** 1 / √(1 - beta2^step) */
  readonly secondScale: number;
  readonly epsilon: number;
  /** What the parameter is multiplied by: 1 - learning rate · weight decay, or 1. */
  readonly keep: number;
}

/** The running means of a gradient and of its square, element by element. */
export interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** Where `count` elements begin in the three kinds of arrays. */
export interface Span {
  readonly parameter: number;
  readonly gradient: number;
  readonly moments: number;
  readonly count: number;
}

const PIECE = 4096; // elements: what passes through the kernels' memory at once
const [P, G, M, V] = [0, 1, 2, 3].map(
  (i) => new Float32Array(kernels.memory.buffer, 4 * i * PIECE, PIECE),
) as [Float32Array, Float32Array, Float32Array, Float32Array];

/**
 * One AdamW step on a span of elements, in place: torch.optim.AdamW's formula in float32. What an
 * element becomes does not depend on the span it is in.
 */
export function adamUpdate(
  parameter: Float32Array,
  gradient: Float32Array,
  { first, second }: Moments,
  span: Span,
  coefficients: AdamCoefficients,
): void {
  const { beta1, beta2, gradientScale, stepSize, secondScale, epsilon, keep } = coefficients;
  for (let at = 0; at < span.count; at += PIECE) {
    const count = Math.min(PIECE, span.count - at);
    const p = parameter.subarray(span.parameter + at, span.parameter + at + count);
    const m = first.subarray(span.moments + at, span.moments + at + count);
    const v = second.subarray(span.moments + at, span.moments + at + count);
    P.set(p);
    G.set(gradient.subarray(span.gradient + at, span.gradient + at + count));
    M.set(m);
    V.set(v);
    const rounded = Math.ceil(count / 4) * 4; // what lies behind the span is computed and not read
    kernels.adam(
      P.byteOffset,
      G.byteOffset,
      M.byteOffset,
      V.byteOffset,
      rounded,
      gradientScale,
      beta1,
      1 - beta1, // not from beta1 in float32: of 0.999 only four digits would be left
      beta2,
      1 - beta2,
      stepSize,
      secondScale,
      epsilon,
      keep,
    );
    p.set(P.subarray(0, count));
    m.set(M.subarray(0, count));
    v.set(V.subarray(0, count));
  }
}
