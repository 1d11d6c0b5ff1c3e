/** Runs of three letters or digits of a text, whatever its case, spaces and signs. */
export function shinglesOf(text: string): ReadonlySet<string> {
  const letters = [...text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "")];
  return new Set(letters.map((_, at) => letters.slice(at, at + 3).join("")).slice(0, -2));
}

/** The share of what two sets have in common: 0 for nothing, 1 for equal ones (Jaccard's index). */
export function overlapOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = [...a].filter((item) => b.has(item)).length;
  const all = a.size + b.size - common;
  return all === 0 ? 1 : common / all;
}
