/** Gradients of some rows of a table, each row once. */
export class RowGradients {
  readonly width: number;
  /** The rows that have a gradient, in the order in which they were met. */
  readonly rows: number[] = [];
  readonly #slots = new Map<number, number>();
  #values: Float32Array;

  constructor(width: number, expectedRows: number) {
    this.width = width;
    this.#values = new Float32Array(width * expectedRows);
  }

  /** The gradients of `rows`, in their order: [rows, width]. */
  get values(): Float32Array {
    return this.#values.subarray(0, this.rows.length * this.width);
  }

  /** The place of a row in `rows`, or undefined where it has no gradient. */
  slotOf(row: number): number | undefined {
    return this.#slots.get(row);
  }

  /** Adds gradients [ids, width] to their rows, in the order of the ids; skips the padding row. */
  add(ids: ArrayLike<number>, gradients: Float32Array, paddingRow: number | undefined): void {
    const { width } = this;
    for (let i = 0; i < ids.length; i++) {
      if (ids[i] === paddingRow) continue;
      const from = i * width;
      const to = this.#place(ids[i]!) * width;
      const values = this.#values;
      for (let k = 0; k < width; k++) values[to + k]! += gradients[from + k]!;
    }
  }

  /** Adds the rows to a gradient of the whole table. */
  addTo(table: Float32Array): void {
    const { width } = this;
    for (const [slot, row] of this.rows.entries())
      for (let k = 0; k < width; k++) table[row * width + k]! += this.#values[slot * width + k]!;
  }

  #place(row: number): number {
    const known = this.#slots.get(row);
    if (known !== undefined) return known;
    const slot = this.rows.length;
    this.#slots.set(row, slot);
    this.rows.push(row);
    if (this.rows.length * this.width > this.#values.length) {
      const grown = new Float32Array(2 * this.rows.length * this.width);
      grown.set(this.#values);
      this.#values = grown;
    }
    return slot;
  }
}

/** The gradients of one optimizer step, added up over its batches; a parameter is in one of the two. */
export class GradientSum {
  readonly dense = new Map<string, Float32Array>();
  readonly tables = new Map<string, RowGradients>();

  /** Adds a whole gradient. The first of a name is kept, not copied: the caller gives it away. */
  addDense(name: string, gradient: Float32Array): void {
    const sum = this.dense.get(name);
    if (sum === undefined) this.dense.set(name, gradient);
    else for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!;
  }

  /**
   * Adds the gradients of rows [ids, width] of a table; to its whole gradient where it has one, as a
   * table that is used for more than lookups (tied weights) does.
   */
  addRows(name: string, { ids, gradients, paddingRow }: RowsToAdd): void {
    const width = gradients.length / ids.length;
    const dense = this.dense.get(name);
    if (dense !== undefined) {
      const rows = new RowGradients(width, ids.length);
      rows.add(ids, gradients, paddingRow);
      rows.addTo(dense);
      return;
    }
    let table = this.tables.get(name);
    if (table === undefined) {
      table = new RowGradients(width, ids.length);
      this.tables.set(name, table);
    }
    table.add(ids, gradients, paddingRow);
  }

  /** The Euclidean norm over all gradients, in double precision and an order that never changes. */
  norm(): number {
    let sum = 0;
    for (const gradient of this.dense.values()) sum += sumOfSquares(gradient);
    for (const table of this.tables.values()) sum += sumOfSquares(table.values);
    return Math.sqrt(sum);
  }
}

interface RowsToAdd {
  readonly ids: ArrayLike<number>;
  readonly gradients: Float32Array;
  readonly paddingRow: number | undefined;
}

/**
 * What gradients are multiplied by, so that their norm is at most `maxNorm` (0: no limit), as
 * torch.nn.utils.clip_grad_norm_ does it.
 */
export function clipScale(norm: number, maxNorm: number): number {
  return maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
}

/** Four sums side by side, because one would wait for each addition to end. */
function sumOfSquares(x: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = x.length - (x.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += x[i]! * x[i]!;
    b += x[i + 1]! * x[i + 1]!;
    c += x[i + 2]! * x[i + 2]!;
    d += x[i + 3]! * x[i + 3]!;
  }
  for (let i = whole; i < x.length; i++) a += x[i]! * x[i]!;
  return a + b + (c + d);
}
