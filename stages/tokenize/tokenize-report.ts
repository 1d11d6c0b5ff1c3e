import type { Json } from "../../engine/stage.ts";
import type { Row } from "../artifacts/dataset.ts";
import type { EncodedBatch } from "./batch-encoder.ts";
import type { EncoderFacts } from "./encoder.ts";

const EXAMPLES = 3;
const EXAMPLE_CHARACTERS = 200;

/** Lengths and unknown tokens of one split. */
export class SplitLengths {
  /** Ids of each row as they would be without a limit, shortest first. */
  readonly sorted: Uint32Array;
  readonly tokens: number;
  unknown = 0;
  /** Some rows with unknown tokens. */
  readonly examples: { readonly id: string; readonly text: string }[] = [];

  constructor(rows: readonly Row[], batches: readonly EncodedBatch[], { unknownId }: EncoderFacts) {
    this.tokens = batches.reduce((sum, { ids }) => sum + ids.length, 0);
    this.sorted = new Uint32Array(rows.length);
    let row = 0;
    for (const { ids, lengths, fullLengths } of batches) {
      this.sorted.set(fullLengths, row);
      let at = 0;
      for (const length of lengths) {
        this.#countUnknown(rows[row++]!, ids.subarray(at, at + length), unknownId);
        at += length;
      }
    }
    this.sorted.sort();
  }

  #countUnknown({ id, text }: Row, ids: Uint32Array, unknownId: number | null): void {
    if (unknownId === null) return;
    let found = 0;
    for (const one of ids) if (one === unknownId) found++;
    this.unknown += found;
    if (found > 0 && this.examples.length < EXAMPLES)
      this.examples.push({ id, text: Array.from(text).slice(0, EXAMPLE_CHARACTERS).join("") });
  }
}

/** Lengths, truncation and unknown tokens of all splits together and of each. */
export function tokenizeReport(
  splits: ReadonlyMap<string, SplitLengths>,
  maxLength: number,
): { readonly report: Json; readonly metrics: Readonly<Record<string, number>> } {
  const all = [...splits.values()];
  const sorted = Uint32Array.from(all.flatMap((split) => [...split.sorted])).sort();
  const tokens = all.reduce((sum, split) => sum + split.tokens, 0);
  const unknown = all.reduce((sum, split) => sum + split.unknown, 0);
  const metrics = numbersOf({ sorted, tokens, unknown }, maxLength);
  const report = {
    max_length: maxLength,
    ...metrics,
    histogram: histogramOf(sorted),
    splits: Object.fromEntries(
      [...splits].map(([name, lengths]) => [name, numbersOf(lengths, maxLength)]),
    ),
    examples_with_unknown_tokens: all.flatMap(({ examples }) => examples).slice(0, EXAMPLES),
  };
  return { report, metrics };
}

/** Lengths are those without a limit; `tokens` and the rate of unknown ones are of what was kept. */
function numbersOf(
  { sorted, tokens, unknown }: Pick<SplitLengths, "sorted" | "tokens" | "unknown">,
  maxLength: number,
): Readonly<Record<string, number>> {
  const rows = sorted.length;
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const truncated = sorted.filter((length) => length > maxLength).length;
  return {
    rows,
    tokens,
    mean_length: share(
      sorted.reduce((sum, length) => sum + length, 0),
      rows,
    ),
    median_length: percentile(sorted, 0.5),
    p95_length: percentile(sorted, 0.95),
    p99_length: percentile(sorted, 0.99),
    longest: sorted.at(-1) ?? 0,
    truncation_rate: share(truncated, rows),
    unknown_rate: share(unknown, tokens),
  };
}

/** The smallest length that at least this share of the rows does not exceed. */
function percentile(sorted: Uint32Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** Rows by length: up to 8, 16, 32, … ids. */
function histogramOf(sorted: Uint32Array): Json {
  const rows: { up_to: number; rows: number }[] = [];
  let counted = 0;
  for (let upTo = 8; counted < sorted.length; upTo *= 2) {
    const end = sorted.findIndex((length) => length > upTo);
    const within = end < 0 ? sorted.length : end;
    rows.push({ up_to: upTo, rows: within - counted });
    counted = within;
  }
  return rows;
}
