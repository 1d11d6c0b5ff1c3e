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

/**
 * One AdamW step on a span of elements, in place: torch.optim.AdamW's formula in double precision,
 * rounded to float32 where it is stored.
 */
export function adamUpdate(
  parameter: Float32Array,
  gradient: Float32Array,
  { first, second }: Moments,
  span: Span,
  coefficients: AdamCoefficients,
): void {
  const { beta1, beta2, gradientScale, stepSize, secondScale, epsilon, keep } = coefficients;
  const { parameter: p0, gradient: g0, moments: m0, count } = span;
  for (let i = 0; i < count; i++) {
    const g = gradient[g0 + i]! * gradientScale;
    const m = beta1 * first[m0 + i]! + (1 - beta1) * g;
    const v = beta2 * second[m0 + i]! + (1 - beta2) * g * g;
    first[m0 + i] = m;
    second[m0 + i] = v;
    parameter[p0 + i] =
      parameter[p0 + i]! * keep - (stepSize * m) / (Math.sqrt(v) * secondScale + epsilon);
  }
}
