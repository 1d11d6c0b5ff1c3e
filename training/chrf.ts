import { countSequences, overlapOf } from "./count-sequences.ts";
import { pythonSplit } from "./python-split.ts";

const LONGEST = 6;
const BETA_SQUARED = 2 ** 2;

/**
 * Corpus chrF2 of texts beside one reference each, from 0 to 100, as sacrebleu gives it by default: runs of up to six
 * characters (code points) without white space, case counts. https://aclanthology.org/W15-3049
 */
export function chrf(texts: readonly string[], references: readonly string[]): number {
  const sums = Array.from({ length: LONGEST }, () => ({ given: 0, wanted: 0, shared: 0 }));
  for (const [i, text] of texts.entries()) {
    const [own, expected] = [charactersOf(text), charactersOf(references[i]!)];
    for (const [order, sum] of sums.entries()) {
      const overlap = overlapOf(
        countSequences(own, order + 1),
        countSequences(expected, order + 1),
      );
      sum.given += overlap.wanted === 0 ? 0 : overlap.given;
      sum.wanted += overlap.wanted;
      sum.shared += overlap.shared;
    }
  }
  const counted = sums.filter(({ given, wanted }) => given > 0 && wanted > 0);
  if (counted.length === 0) return 0;
  const precision = meanOf(counted.map(({ given, shared }) => shared / given));
  const recall = meanOf(counted.map(({ wanted, shared }) => shared / wanted));
  if (precision + recall === 0) return 0;
  return (100 * (1 + BETA_SQUARED) * precision * recall) / (BETA_SQUARED * precision + recall);
}

function charactersOf(text: string): readonly string[] {
  return Array.from(pythonSplit(text).join(""));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
