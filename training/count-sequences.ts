/** How often each run of `length` items occurs; its items joined by NUL. */
export function countSequences(
  items: readonly string[],
  length: number,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at + length <= items.length; at++) {
    const sequence = items.slice(at, at + length).join("\0");
    counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
  }
  return counts;
}

/** How many runs a text has, how many its reference, and how many of the text's the reference has, too. */
export function overlapOf(
  text: ReadonlyMap<string, number>,
  reference: ReadonlyMap<string, number>,
): { readonly given: number; readonly wanted: number; readonly shared: number } {
  let [given, wanted, shared] = [0, 0, 0];
  for (const count of reference.values()) wanted += count;
  for (const [sequence, count] of text) {
    given += count;
    shared += Math.min(count, reference.get(sequence) ?? 0);
  }
  return { given, wanted, shared };
}
