import type { BestAnswer } from "../../training/best-answers.ts";
import { printableLine } from "./printable.ts";

/** What was found to a question, as a line; `-` where no stretch of the context is an answer. */
export function answerLine(
  question: string,
  { text: answer, begin: start, end, probability }: BestAnswer,
  { json }: { json: boolean },
): string {
  const score = Number(probability.toPrecision(6));
  if (json) return `${JSON.stringify({ question, answer, score, start, end })}\n`;
  return `${printableLine(answer) || "-"} ${score.toFixed(3)}\t${printableLine(question)}\n`;
}
