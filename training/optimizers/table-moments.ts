import type { RowGradients } from "../gradient-sum.ts";
import { type AdamCoefficients, adamUpdate, type Moments } from "./adam-update.ts";

/** Rows that are updated in one go hold about so many elements. */
const ELEMENTS = 4096;

/**
 * AdamW on an embedding table whose gradients are zero in most rows. Rows that never had a gradient
 * have zero moments: only weight decay changes them. The others get the whole update at every step,
 * neighbours together, since a call for each row would take longer than its arithmetic. The table
 * ends in the same bits as by an update of all elements.
 */
export class TableMoments {
  readonly #width: number;
  readonly #had: Uint8Array; // 1 for each row of the table that ever had a gradient
  /** Of the whole table: the system gives memory only to the pages that are written. */
  readonly #moments: Moments;
  readonly #gradient: Float32Array; // of neighbouring rows; all zeros between updates

  constructor(tableRows: number, width: number) {
    this.#width = width;
    this.#had = new Uint8Array(tableRows);
    const size = tableRows * width;
    this.#moments = { first: new Float32Array(size), second: new Float32Array(size) };
    this.#gradient = new Float32Array(Math.max(1, Math.floor(ELEMENTS / width)) * width);
  }

  /** Changes the table by one step. */
  update(table: Float32Array, gradients: RowGradients, coefficients: AdamCoefficients): void {
    for (const row of gradients.rows) this.#had[row] = 1;
    const most = this.#gradient.length / this.#width;
    for (let begin = this.#had.indexOf(1); begin >= 0; ) {
      let end = begin + 1;
      while (end - begin < most && this.#had[end] === 1) end++;
      this.#updateRows(table, { begin, end }, gradients, coefficients);
      begin = this.#had.indexOf(1, end);
    }
    if (coefficients.keep !== 1) this.#decayOthers(table, coefficients.keep);
  }

  /** The rows that have moments, in ascending order, and the moments: each [rows, width]. */
  get state(): { readonly rows: Int32Array } & Moments {
    const rows = Int32Array.from([...this.#had.keys()].filter((row) => this.#had[row] === 1));
    const { first, second } = this.#moments;
    return { rows, first: this.#pick(first, rows), second: this.#pick(second, rows) };
  }

  /** Goes on from the state of another table of the same size. */
  restore({ rows, first, second }: TableMoments["state"]): void {
    rows.forEach((row, at) => {
      this.#had[row] = 1;
      this.#moments.first.set(this.#rowOf(first, at), row * this.#width);
      this.#moments.second.set(this.#rowOf(second, at), row * this.#width);
    });
  }

  /** Goes on from moments of the whole table, of which rows that never had a gradient are zeros. */
  restoreWhole({ first, second }: Moments): void {
    const count = this.#had.length;
    const hasMoments = (row: number) =>
      [first, second].some((moments) => this.#rowOf(moments, row).some((x) => x !== 0));
    const rows = Int32Array.from(Array.from({ length: count }, (_, row) => row).filter(hasMoments));
    this.restore({ rows, first: this.#pick(first, rows), second: this.#pick(second, rows) });
  }

  #updateRows(
    table: Float32Array,
    { begin, end }: { readonly begin: number; readonly end: number },
    gradients: RowGradients,
    coefficients: AdamCoefficients,
  ): void {
    const width = this.#width;
    const { values } = gradients;
    let isZero = true;
    for (let row = begin; row < end; row++) {
      const from = gradients.slotOf(row);
      if (from === undefined) continue;
      isZero = false;
      this.#gradient.set(this.#rowOf(values, from), (row - begin) * width);
    }
    const at = begin * width;
    const span = { parameter: at, gradient: 0, moments: at, count: (end - begin) * width };
    adamUpdate(table, this.#gradient, this.#moments, span, coefficients);
    if (!isZero) this.#gradient.fill(0);
  }

  #pick(moments: Float32Array, rows: Int32Array): Float32Array {
    const picked = new Float32Array(rows.length * this.#width);
    rows.forEach((row, at) => {
      picked.set(this.#rowOf(moments, row), at * this.#width);
    });
    return picked;
  }

  #rowOf(values: Float32Array, row: number): Float32Array {
    return values.subarray(row * this.#width, (row + 1) * this.#width);
  }

  #decayOthers(table: Float32Array, keep: number): void {
    const width = this.#width;
    const factor = Math.fround(keep); // as the update of the other rows takes it
    for (let row = 0; row < this.#had.length; row++) {
      if (this.#had[row] === 1) continue;
      for (let at = row * width; at < (row + 1) * width; at++) table[at]! *= factor;
    }
  }
}
