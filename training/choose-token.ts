/** How the next token is chosen; names and meanings are those of transformers' GenerationConfig. */
export interface ChoiceOptions {
  /** 1 changes nothing; less is bolder for what is likely. */
  readonly temperature: number;
  /** Only so many of the likeliest tokens; 0: all. */
  readonly top_k: number;
  /** Only the likeliest tokens that together have this probability; 1: all. */
  readonly top_p: number;
}

/** Logits of tokens that were there before become less likely, as in CTRL. https://arxiv.org/abs/1909.05858, section 4.1 */
export function penalizeRepetition(
  scores: Float32Array | Float64Array,
  before: readonly number[],
  penalty: number,
): void {
  if (penalty === 1) return;
  for (const id of new Set(before))
    scores[id] = scores[id]! < 0 ? scores[id]! * penalty : scores[id]! / penalty;
}

/** The token with the highest score; the first of several. */
export function likeliest(scores: ArrayLike<number>): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id]! > scores[best]!) best = id;
  return best;
}

/** A token drawn by its probability; `draw` from 0 to below 1 decides. */
export function drawToken(logits: Float32Array, options: ChoiceOptions, draw: number): number {
  const candidates = candidatesOf(logits, options);
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  let left = draw * total;
  for (const { id, weight } of candidates) {
    left -= weight;
    if (left < 0) return id;
  }
  return candidates.at(-1)!.id;
}

/** The tokens that may be drawn, likeliest first, with weights that need not add up to 1. */
export function candidatesOf(
  logits: Float32Array,
  { temperature, top_k, top_p }: ChoiceOptions,
): readonly { readonly id: number; readonly weight: number }[] {
  const highest = logits[likeliest(logits)]!;
  const all = Array.from(logits, (logit, id) => ({
    id,
    weight: Math.exp((logit - highest) / temperature),
  }));
  all.sort((a, b) => b.weight - a.weight || a.id - b.id);
  const kept = top_k > 0 ? all.slice(0, top_k) : all;
  const total = kept.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  const end = kept.findIndex(({ weight }) => {
    const isBeyond = before >= top_p * total;
    before += weight;
    return isBeyond;
  });
  return end < 0 ? kept : kept.slice(0, Math.max(1, end));
}

/** The logarithm of each token's probability. */
export function logProbabilities(logits: Float32Array): Float64Array {
  const highest = logits[likeliest(logits)]!;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  const shift = highest + Math.log(total);
  return Float64Array.from(logits, (logit) => logit - shift);
}
