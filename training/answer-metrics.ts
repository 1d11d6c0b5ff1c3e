import type { AskedQuestion } from "./question-set.ts";

/** How well questions are answered, in percent as SQuAD's script has it. */
export interface AnswerMetrics {
  /** Questions whose answer is one of the right ones, but for case, punctuation, articles and white space. */
  readonly exact_match: number;
  /** The mean of the words that the answer shares with the right one that it is nearest to. */
  readonly f1: number;
  /** The same of questions that have an answer, where not all have. */
  readonly HasAns_exact?: number;
  readonly HasAns_f1?: number;
  /** And of those that have none. */
  readonly NoAns_exact?: number;
  readonly NoAns_f1?: number;
}

/**
 * Exact match and F1 as the scripts of SQuAD count them: 2.0's where questions may have no answer, else 1.1's.
 * https://rajpurkar.github.io/SQuAD-explorer/
 */
export function answerMetrics(
  asked: readonly AskedQuestion[],
  predicted: readonly string[],
  { mayBeNone }: { mayBeNone: boolean },
): AnswerMetrics {
  const scores = asked.map(({ answers }, i) => {
    const given = mayBeNone ? answers.filter((answer) => normalizedAnswer(answer) !== "") : answers;
    const right = given.length > 0 ? given : [""];
    return {
      hasAnswer: answers.length > 0,
      exact: Math.max(...right.map((one) => Number(isSame(one, predicted[i]!)))),
      f1: Math.max(...right.map((one) => wordF1(one, predicted[i]!, mayBeNone))),
    };
  });
  const percent = (of: "exact" | "f1", among: typeof scores) =>
    (100 * among.reduce((sum, score) => sum + score[of], 0)) / among.length;
  const all = { exact_match: percent("exact", scores), f1: percent("f1", scores) };
  if (!mayBeNone) return all;
  const having = scores.filter(({ hasAnswer }) => hasAnswer);
  const lacking = scores.filter(({ hasAnswer }) => !hasAnswer);
  return {
    ...all,
    ...(having.length > 0 && {
      HasAns_exact: percent("exact", having),
      HasAns_f1: percent("f1", having),
    }),
    ...(lacking.length > 0 && {
      NoAns_exact: percent("exact", lacking),
      NoAns_f1: percent("f1", lacking),
    }),
  };
}

const PUNCTUATION = /[!-/:-@[-`{-~]/g;
const ARTICLES = /(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])/gu;

/** An answer as it is compared: in lower case, without ASCII punctuation and English articles, one space between words. */
export function normalizedAnswer(text: string): string {
  const words = text.toLowerCase().replaceAll(PUNCTUATION, "").replaceAll(ARTICLES, " ");
  return words.split(/\s+/u).filter(Boolean).join(" ");
}

function isSame(a: string, b: string): boolean {
  return normalizedAnswer(a) === normalizedAnswer(b);
}

function wordF1(right: string, predicted: string, mayBeNone: boolean): number {
  const [truth, found] = [right, predicted].map((text) =>
    normalizedAnswer(text).split(" ").filter(Boolean),
  ) as [string[], string[]];
  if (mayBeNone && (truth.length === 0 || found.length === 0))
    return Number(truth.length === found.length);
  const left = new Map<string, number>();
  for (const word of truth) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of found) {
    const count = left.get(word) ?? 0;
    if (count > 0) common++;
    left.set(word, count - 1);
  }
  return common === 0 ? 0 : (2 * common) / (truth.length + found.length);
}

/** The mean loss of rows of logits [tokens, 2] for the tokens of their answers, padding aside, in nats. */
export function answerLoss(
  logits: Float32Array,
  { labels, offsets }: { labels: Int32Array; offsets: Int32Array | Uint32Array },
): number {
  const rows = offsets.length - 1;
  let sum = 0;
  for (let row = 0; row < rows; row++)
    for (const side of [0, 1]) {
      const [begin, end] = [offsets[row]!, offsets[row + 1]!];
      let highest = Number.NEGATIVE_INFINITY;
      for (let at = begin; at < end; at++) highest = Math.max(highest, logits[2 * at + side]!);
      let total = 0;
      for (let at = begin; at < end; at++) total += Math.exp(logits[2 * at + side]! - highest);
      const right = logits[2 * (begin + labels[2 * row + side]!) + side]!;
      sum += Math.log(total) + highest - right;
    }
  return sum / (2 * rows);
}
