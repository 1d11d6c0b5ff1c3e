import { type AdamCoefficients, adamUpdate, type Moments } from "./adam-update.ts";
import type { RowGradients } from "./gradient-sum.ts";

/**
 * AdamW on an embedding table whose gradients are zero in most rows. Rows that never had a gradient
 * have zero moments: nothing is stored for them and only weight decay changes them. The others get
 * the whole update at every step. The table ends in the same bits as by an update of all elements.
 */
export class TableMoments {
  readonly #width: number;
  readonly #slots: Int32Array; // of each row of the table; -1 before its first gradient
  readonly #rows: number[] = []; // of each slot
  #moments: Moments = { first: new Float32Array(0), second: new Float32Array(0) };
  readonly #noGradient: Float32Array;

  constructor(tableRows: number, width: number) {
    this.#width = width;
    this.#slots = new Int32Array(tableRows).fill(-1);
    this.#noGradient = new Float32Array(width);
  }

  /** Changes the table by one step. */
  update(table: Float32Array, gradients: RowGradients, coefficients: AdamCoefficients): void {
    const width = this.#width;
    for (const row of gradients.rows) this.#remember(row);
    for (let slot = 0; slot < this.#rows.length; slot++) {
      const row = this.#rows[slot]!;
      const from = gradients.slotOf(row);
      const values = from === undefined ? this.#noGradient : gradients.values;
      const gradient = (from ?? 0) * width;
      const span = { parameter: row * width, gradient, moments: slot * width, count: width };
      adamUpdate(table, values, this.#moments, span, coefficients);
    }
    if (coefficients.keep !== 1) this.#decayOthers(table, coefficients.keep);
  }

  /** The rows that have moments, and the moments: each [rows, width]. */
  get state(): { readonly rows: Int32Array } & Moments {
    const length = this.#rows.length * this.#width;
    const { first, second } = this.#moments;
    const rows = Int32Array.from(this.#rows);
    return { rows, first: first.slice(0, length), second: second.slice(0, length) };
  }

  /** Goes on from the state of another table of the same size. */
  restore({ rows, first, second }: TableMoments["state"]): void {
    for (const row of rows) this.#remember(row);
    this.#moments.first.set(first);
    this.#moments.second.set(second);
  }

  #decayOthers(table: Float32Array, keep: number): void {
    const width = this.#width;
    const factor = Math.fround(keep); // as the update of the other rows takes it
    for (let row = 0; row < this.#slots.length; row++) {
      if (this.#slots[row]! >= 0) continue;
      for (let at = row * width; at < (row + 1) * width; at++) table[at]! *= factor;
    }
  }

  #remember(row: number): void {
    if (this.#slots[row]! >= 0) return;
    this.#slots[row] = this.#rows.length;
    this.#rows.push(row);
    const needed = this.#rows.length * this.#width;
    if (needed <= this.#moments.first.length) return;
    const size = Math.min(2 * needed, this.#slots.length * this.#width);
    const grow = (array: Float32Array) => {
      const grown = new Float32Array(size);
      grown.set(array);
      return grown;
    };
    this.#moments = { first: grow(this.#moments.first), second: grow(this.#moments.second) };
  }
}
