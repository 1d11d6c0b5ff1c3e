/**
 * The length to which a batch is padded: multiples of 8, and from 64 on of an eighth of the power of
 * two below, so that at most about 8 lengths in each octave need a compiled graph and padding stays
 * under an eighth. Never above the model's longest row. Padding changes results only by rounding.
 */
export function paddedLength(longest: number, maxLength: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(longest)) - 3));
  return Math.min(Math.ceil(longest / step) * step, maxLength);
}
