import { logProbabilities, penalizeRepetition } from "./choose-token.ts";
import type { Decoder } from "./decoder.ts";
import type { GenerationOptions } from "./generate.ts";

/** A text that is being written; the score is the sum of its tokens' log probabilities. */
interface Beam {
  readonly tokens: readonly number[];
  readonly score: number;
}

interface Continuation extends Beam {
  readonly from: number;
}

/** The new tokens of the best of several texts that are written side by side, as transformers' beam search finds it. */
export async function searchBeams(
  decoder: Decoder,
  prompt: readonly number[],
  options: GenerationOptions & { readonly most: number },
): Promise<readonly number[]> {
  const { most, num_beams, length_penalty, eos_token_ids, signal } = options;
  const worth = ({ tokens, score }: Beam) => score / tokens.length ** length_penalty;
  const isEnd = ({ tokens }: Beam) => eos_token_ids.includes(tokens.at(-1)!);
  let beams: readonly Beam[] = [{ tokens: [], score: 0 }];
  let finished: readonly Beam[] = [];
  const before = decoder.before(prompt);
  let logits = await decoder.start(prompt);
  for (let length = 1; ; length++) {
    signal?.throwIfAborted();
    const best = continuations(beams, logits, { before, ...options });
    const ended = best.slice(0, num_beams).filter((one) => length >= most || isEnd(one));
    finished = [...finished, ...ended].sort((a, b) => worth(b) - worth(a)).slice(0, num_beams);
    const going = best.filter((one) => !isEnd(one)).slice(0, num_beams);
    const canImprove = finished.length < num_beams || worth(going[0]!) > worth(finished.at(-1)!);
    if (length >= most || !canImprove) return finished[0]!.tokens;
    const tokens = going.map((one) => one.tokens.at(-1)!);
    const from = going.map((one) => one.from);
    logits = await decoder.advance(tokens, from);
    beams = going;
  }
}

/** The likeliest texts with one token more: so many that enough beams are left where some end. */
function continuations(
  beams: readonly Beam[],
  logits: Float32Array,
  {
    before,
    num_beams,
    repetition_penalty,
    eos_token_ids,
  }: GenerationOptions & { readonly before: readonly number[] },
): readonly Continuation[] {
  const width = logits.length / beams.length;
  const count = num_beams * Math.max(2, 1 + eos_token_ids.length);
  const best: Continuation[] = [];
  for (const [from, { tokens, score }] of beams.entries()) {
    const scores = logProbabilities(logits.subarray(from * width, (from + 1) * width));
    penalizeRepetition(scores, [...before, ...tokens], repetition_penalty);
    const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
    for (const id of order.slice(0, count))
      best.push({ tokens: [...tokens, id], score: score + scores[id]!, from });
  }
  return best.sort((a, b) => b.score - a.score).slice(0, count);
}
