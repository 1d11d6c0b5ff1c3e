import { countSequences, overlapOf } from "./count-sequences.ts";
import { pythonSplit, pythonTrimEnd } from "./python-split.ts";

const LONGEST = 4;

/**
 * Corpus BLEU of texts beside one reference each, from 0 to 100, as sacrebleu gives it by default: words as mteval-v13a
 * parts them, case counts, exponential smoothing. https://aclanthology.org/P02-1040, https://aclanthology.org/W18-6319
 */
export function bleu(texts: readonly string[], references: readonly string[]): number {
  const [correct, total] = [zeros(), zeros()];
  let [length, referenceLength] = [0, 0];
  for (const [i, text] of texts.entries()) {
    const [words, expected] = [words13a(text), words13a(references[i]!)];
    length += words.length;
    referenceLength += expected.length;
    for (let n = 1; n <= LONGEST; n++) {
      const overlap = overlapOf(countSequences(words, n), countSequences(expected, n));
      correct[n - 1]! += overlap.shared;
      total[n - 1]! += overlap.given;
    }
  }
  if (correct.every((count) => count === 0)) return 0;
  const penalty = length < referenceLength ? Math.exp(1 - referenceLength / length) : 1;
  return penalty * meanPrecision(correct, total);
}

function zeros(): number[] {
  return new Array<number>(LONGEST).fill(0);
}

/** The geometric mean; each length without a hit counts half as much as one hit of the length before that had none. */
function meanPrecision(correct: readonly number[], total: readonly number[]): number {
  let logarithms = 0;
  let divisor = 1;
  for (const [i, hits] of correct.entries()) {
    if (total[i] === 0) return 0;
    if (hits === 0) divisor *= 2;
    logarithms += Math.log((100 * (hits === 0 ? 1 / divisor : hits)) / total[i]!);
  }
  return Math.exp(logarithms / LONGEST);
}

const ENTITIES = [
  ["&quot;", '"'],
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
] as const;

/** Words as NIST's mteval-v13a parts them; a text's end is cut of white space first. */
export function words13a(text: string): readonly string[] {
  let line = pythonTrimEnd(text)
    .replaceAll("<skipped>", "")
    .replaceAll("-\n", "")
    .replaceAll("\n", " ");
  for (const [entity, character] of ENTITIES) line = line.replaceAll(entity, character);
  const parted = ` ${line} `
    .replace(/[{-~[-` -&(-+:-@/]/gu, " $& ")
    .replace(/([^0-9])([.,])/gu, "$1 $2 ")
    .replace(/([.,])([^0-9])/gu, " $1 $2")
    .replace(/([0-9])(-)/gu, "$1 $2 ");
  return pythonSplit(parted);
}
