/** What one mask is drawn for. */
export interface MaskCase {
  readonly seed: number;
  readonly step: number;
  readonly part: number;
  readonly site: string;
  readonly rows: number;
  readonly columns: number;
  readonly p: number;
}

/** Draws a mask: 1 keeps. */
export type Draw = (one: MaskCase) => Uint8Array;

/** How far statistics of masks are from those of independent draws, in standard deviations, by name. */
export type Scores = Map<string, number>;

const LAGS = 8;
const GAPS = 24;

/** Everything that is asked of a way to draw masks with share `p`, on masks of this seed. */
export function scoresOf(draw: Draw, seed: number, p: number): Scores {
  const base: MaskCase = { seed, step: 3, part: 0, site: "layer.0", rows: 160, columns: 512, p };
  const scores: Scores = new Map();
  addShares(scores, draw, base);
  const mask = draw(base);
  addPairs(scores, "rows", rowsOf(mask, base.columns), p);
  addPairs(scores, "columns", columnsOf(mask, base.columns), p);
  const changes: Readonly<Record<string, (i: number) => Partial<MaskCase>>> = {
    steps: (step) => ({ step }),
    parts: (part) => ({ part }),
    seeds: (i) => ({ seed: seed + i }),
    sites: (i) => ({ site: `layer.${i}.output` }),
  };
  for (const [name, change] of Object.entries(changes)) {
    const masks = Array.from({ length: 100 }, (_, i) =>
      draw({ ...base, rows: 40, columns: 50, ...change(i) }),
    );
    addPairs(scores, name, masks, p);
  }
  addNeighbours(scores, draw({ ...base, rows: 1000, columns: 1000 }), p);
  return scores;
}

/** The share that is kept, in masks of all kinds of shapes and of one row or column alone. */
function addShares(scores: Scores, draw: Draw, base: MaskCase): void {
  const widths = [1, 9000, 3001, 128, 24, 768];
  let [squares, count, worst] = [0, 0, 0];
  for (const [kind, columns] of widths.entries())
    for (let i = 0; i < 40; i++) {
      const rows = Math.ceil(9000 / columns);
      const at = {
        step: 40 * kind + i,
        part: i % 3,
        seed: base.seed + (i >> 3),
        site: `s${i % 5}`,
      };
      const mask = draw({ ...base, rows, columns, ...at });
      const score = shareScore(mask, base.p);
      squares += score ** 2;
      count += 1;
      worst = Math.max(worst, Math.abs(score));
    }
  scores.set("the share of one mask", worst);
  scores.set("the shares of all masks", (squares - count) / Math.sqrt(2 * count));
}

function shareScore(mask: Uint8Array, p: number): number {
  return (sum(mask) - mask.length * (1 - p)) / Math.sqrt(mask.length * p * (1 - p));
}

/** The mean chi-square of the 2 x 2 tables of all pairs, with the margins that each pair has. */
function addPairs(scores: Scores, name: string, masks: readonly Uint8Array[], p: number): void {
  const n = masks[0]!.length;
  const shares = masks.map((mask) => sum(mask) / n);
  let [total, count] = [0, 0];
  for (let a = 0; a < masks.length; a++)
    for (let b = 0; b < a; b++) {
      const [left, right] = [shares[a]!, shares[b]!];
      const width = left * (1 - left) * right * (1 - right);
      if (width === 0) continue; // a short one that keeps everything
      total += ((n - 1) * (both(masks[a]!, masks[b]!) / n - left * right) ** 2) / width;
      count += 1;
    }
  const variance = 2 + 1 / (n * (p * (1 - p)) ** 2);
  scores.set(`pairs of ${name}`, (total - count) / Math.sqrt(variance * count));
}

/** What stands beside what: elements some places apart, three in a row, four corners, and the lengths of runs. */
function addNeighbours(scores: Scores, mask: Uint8Array, p: number): void {
  const width = Math.sqrt(mask.length);
  const centred = Float64Array.from(mask, (kept) => (kept - (1 - p)) / Math.sqrt(p * (1 - p)));
  const product = (name: string, ...offsets: readonly number[]) => {
    let total = 0;
    const last = mask.length - Math.max(...offsets);
    for (let i = 0; i < last; i++) {
      let one = centred[i]!;
      for (const offset of offsets) one *= centred[i + offset]!;
      total += one;
    }
    scores.set(name, total / Math.sqrt(last));
  };
  for (let lag = 1; lag <= LAGS; lag++) {
    product(`${lag} columns apart`, lag);
    product(`${lag} rows apart`, lag * width);
  }
  if (p >= 0.1) {
    product("three columns", 1, 2);
    product("three rows", width, 2 * width);
    product("corners", 1, width, width + 1);
    product("far corners", 7, 64 * width, 64 * width + 7);
  }
  addGaps(scores, "along rows", mask, p);
  addGaps(scores, "along columns", transposed(mask, width), p);
}

/** Numbers of kept elements between two that are dropped: a chi-square of their lengths. */
function addGaps(scores: Scores, name: string, mask: Uint8Array, p: number): void {
  const counts = new Float64Array(GAPS + 1);
  let [gap, total] = [0, 0];
  for (const kept of mask) {
    gap += 1;
    if (kept === 1) continue;
    counts[Math.min(GAPS, gap - 1)]! += 1;
    total += 1;
    gap = 0;
  }
  let [chi, cells] = [0, -1];
  for (const [length, count] of counts.entries()) {
    const expected = total * (1 - p) ** length * (length === GAPS ? 1 : p);
    if (expected < 20) continue;
    chi += (count - expected) ** 2 / expected;
    cells += 1;
  }
  scores.set(`gaps ${name}`, (chi - cells) / Math.sqrt(2 * cells));
}

function rowsOf(mask: Uint8Array, columns: number): Uint8Array[] {
  const rows = mask.length / columns;
  return Array.from({ length: rows }, (_, row) =>
    mask.subarray(row * columns, (row + 1) * columns),
  );
}

function columnsOf(mask: Uint8Array, columns: number): Uint8Array[] {
  const rows = mask.length / columns;
  return rowsOf(transposed(mask, columns), rows);
}

function transposed(mask: Uint8Array, columns: number): Uint8Array {
  const rows = mask.length / columns;
  return mask.map((_, i) => mask[(i % rows) * columns + Math.floor(i / rows)]!);
}

function sum(mask: Uint8Array): number {
  return mask.reduce((total, kept) => total + kept, 0);
}

function both(a: Uint8Array, b: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! & b[i]!;
  return total;
}
