import { distance } from "fastest-levenshtein";

const LONGEST_NAME = 64;

/** The candidate that a mistyped or shortened name most likely meant; undefined when none is near. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const possible = [...candidates].filter((candidate) => candidate.length <= LONGEST_NAME);
  return nearestBySpelling(name, possible) ?? nearestByShortening(name, possible);
}

function nearestBySpelling(name: string, candidates: readonly string[]): string | undefined {
  const folded = fold(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(folded.length * 0.4)) + 1;
  for (const candidate of candidates) {
    const steps = stepsBetween(folded, fold(candidate));
    if (steps >= bestDistance) continue;
    best = candidate;
    bestDistance = steps;
  }
  return best;
}

/** `lr` is learning_rate, `epochs` is num_train_epochs, `min_chars` is min_characters. */
function nearestByShortening(name: string, candidates: readonly string[]): string | undefined {
  const folded = fold(name);
  const isLong = folded.length >= 4;
  return (
    candidates.find((candidate) => folded.length >= 2 && initialsOf(candidate) === folded) ??
    candidates.find((candidate) => isLong && fold(candidate).includes(folded)) ??
    candidates.find((candidate) => isLong && isSubsequence(folded, fold(candidate)))
  );
}

/** `did you mean "x"?` for the nearest candidate, else the given text. */
export function didYouMean(
  name: string,
  candidates: Iterable<string>,
  otherwise?: string,
): string | undefined {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? otherwise : `did you mean "${nearest}"?`;
}

/** `learningRate`, `learning-rate` and `learning_rate` are one name to someone who mistypes. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ .]/g, "");
}

/** Edit distance, but two letters in the wrong order are one step, and a missing beginning or end is hardly more. */
function stepsBetween(name: string, candidate: string): number {
  const steps = distance(name, candidate);
  if (steps === 2 && isSwapped(name, candidate)) return 1;
  const isPart = candidate.startsWith(name) || name.startsWith(candidate);
  return name.length >= 4 && isPart ? Math.min(1.5, steps) : steps;
}

function isSwapped(name: string, candidate: string): boolean {
  if (name.length !== candidate.length) return false;
  const at = [...name].findIndex((letter, i) => letter !== candidate[i]);
  return name[at] === candidate[at + 1] && name[at + 1] === candidate[at];
}

function initialsOf(candidate: string): string {
  const words = candidate.toLowerCase().split(/[-_ .]/);
  return words.map((word) => word.slice(0, 1)).join("");
}

/** Whether the letters stand in the candidate in this order, from its first on. */
function isSubsequence(name: string, candidate: string): boolean {
  if (name[0] !== candidate[0]) return false;
  let found = 0;
  for (const letter of candidate) if (letter === name[found]) found += 1;
  return found === name.length;
}
