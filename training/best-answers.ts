import type { QuestionSet } from "./question-set.ts";

/** How answers are chosen; names, meanings and defaults as in transformers' example for SQuAD. */
export interface AnswerOptions {
  /** How many starts and ends of a row are tried, and how many answers are kept. */
  readonly n_best_size: number;
  /** The most tokens of an answer. */
  readonly max_answer_length: number;
  /** Whether a question may have no answer. */
  readonly version_2_with_negative: boolean;
  /** By how much no answer must score higher than the best one to be given. */
  readonly null_score_diff_threshold: number;
}

/** What applies where an option is not given. */
export const defaultAnswerOptions: AnswerOptions = {
  n_best_size: 20,
  max_answer_length: 30,
  version_2_with_negative: false,
  null_score_diff_threshold: 0,
};

/** A stretch of a context, in UTF-16 code units; empty where there is no answer. */
export interface FoundAnswer {
  readonly text: string;
  readonly begin: number;
  readonly end: number;
  /** Among the answers that were kept: all together 1. */
  readonly probability: number;
}

/** The answer to a question. */
export interface BestAnswer extends FoundAnswer {
  /** How much higher no answer scores than the best one; only where there may be none. */
  readonly nullScoreDifference?: number;
}

interface Candidate {
  readonly begin: number;
  readonly end: number;
  readonly score: number;
}

/** Rows of logits, and where each begins. */
export interface AnswerLogits {
  /** [tokens, 2]: of the start and of the end. */
  readonly logits: Float32Array;
  /** One more than there are rows. */
  readonly offsets: Int32Array | Uint32Array;
}

/**
 * The answer to each question: of all its rows the stretch whose start and end score highest together. The starts and
 * ends tried are the highest of a row, its question's tokens among them; its first token scores for no answer.
 */
export function bestAnswers(
  questions: QuestionSet,
  rows: AnswerLogits,
  options: AnswerOptions,
): readonly BestAnswer[] {
  const candidates = questions.asked.map((): Candidate[] => []);
  const nullScores = questions.asked.map(() => Number.POSITIVE_INFINITY);
  for (const [row, question] of questions.ofRow.entries()) {
    const first = rows.offsets[row]!;
    const nullScore = rows.logits[2 * first]! + rows.logits[2 * first + 1]!;
    nullScores[question] = Math.min(nullScores[question]!, nullScore);
    for (const one of rowCandidates(questions, rows, { row, options }))
      candidates[question]!.push(one);
  }
  return questions.asked.map(({ context }, i) =>
    chooseAnswer(context, candidates[i]!, { nullScore: nullScores[i]!, options }),
  );
}

function* rowCandidates(
  { begins, ends }: QuestionSet,
  { logits, offsets }: AnswerLogits,
  { row, options }: { row: number; options: AnswerOptions },
): Generator<Candidate> {
  const tokens = Array.from(
    { length: offsets[row + 1]! - offsets[row]! },
    (_, i) => offsets[row]! + i,
  );
  const isInContext = (at: number) => ends[at]! > 0;
  const highest = (side: 0 | 1) =>
    [...tokens]
      .sort((a, b) => logits[2 * b + side]! - logits[2 * a + side]! || a - b)
      .slice(0, options.n_best_size)
      .filter(isInContext);
  const lasts = highest(1);
  for (const first of highest(0))
    for (const last of lasts)
      if (
        last >= first &&
        last - first < options.max_answer_length &&
        ends[last]! > begins[first]! // not white space only
      )
        yield {
          begin: begins[first]!,
          end: ends[last]!,
          score: logits[2 * first]! + logits[2 * last + 1]!,
        };
}

function chooseAnswer(
  context: string,
  candidates: readonly Candidate[],
  { nullScore, options }: { nullScore: number; options: AnswerOptions },
): BestAnswer {
  const { version_2_with_negative: mayBeNone, n_best_size, null_score_diff_threshold } = options;
  const none: Candidate = { begin: 0, end: 0, score: nullScore };
  const kept = [...candidates, ...(mayBeNone ? [none] : [])]
    .sort((a, b) => b.score - a.score)
    .slice(0, n_best_size);
  if (mayBeNone && !kept.includes(none)) kept.push(none);
  const total = kept.reduce((sum, { score }) => sum + Math.exp(score - kept[0]!.score), 0);
  const found = ({ begin, end, score }: Candidate): FoundAnswer => ({
    text: context.slice(begin, end),
    begin,
    end,
    probability: Math.exp(score - kept[0]!.score) / total,
  });
  const best = kept.find((one) => one !== none);
  if (best === undefined) return { text: "", begin: 0, end: 0, probability: mayBeNone ? 1 : 0 };
  if (!mayBeNone) return found(best);
  const nullScoreDifference = nullScore - best.score;
  const isNone = nullScoreDifference > null_score_diff_threshold;
  return { ...found(isNone ? none : best), nullScoreDifference };
}
