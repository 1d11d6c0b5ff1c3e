import { distance } from "fastest-levenshtein";

const LONGEST_NAME = 64;

/** The candidate that a mistyped name most likely meant; undefined when none is near. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const folded = fold(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(folded.length * 0.4)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > LONGEST_NAME) continue;
    const steps = stepsBetween(folded, fold(candidate));
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
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

/** Edit distance, but a beginning or end of the other name counts as one step away: `lr_scheduler` means `lr_scheduler_type`. */
function stepsBetween(name: string, candidate: string): number {
  if (name.length >= 4 && (candidate.startsWith(name) || name.startsWith(candidate))) {
    return Math.min(1.5, distance(name, candidate));
  }
  return distance(name, candidate);
}
