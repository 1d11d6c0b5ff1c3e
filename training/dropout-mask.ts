import type { Shape } from "../compute/graph.ts";
import { type DropoutKey, dropoutLimit, placeNumbers, siteFactor } from "./dropout-key.ts";
import { kernels } from "./kernels.ts";

const PIECE = 1 << 16; // bytes of the kernels' memory, which the processor's cache holds
const [KEYS_AT, MOST_COLUMNS] = [1 << 17, 1 << 14];

/** A place in a model that drops out. */
export interface DropoutSpec {
  /** Its name, unique in the model. */
  readonly site: string;
  readonly shape: Shape;
  /** The share that is dropped. */
  readonly p: number;
}

/** Fills a mask (0 drops, 1 keeps), row after row, as dropout-key.ts defines it. */
export function fillDropoutMask(
  mask: Uint8Array,
  { site, shape, p }: DropoutSpec,
  key: DropoutKey,
): void {
  const columns = shape.at(-1) ?? 1;
  const [factor, shift, ...forColumns] = key as unknown as [number, number, number, number];
  const keys = columnKeys(columns, site, forColumns);
  const limit = dropoutLimit(p);
  const piece = new Uint8Array(kernels.memory.buffer, 0, PIECE);
  for (let from = 0; from < columns; from += MOST_COLUMNS) {
    const width = Math.min(MOST_COLUMNS, columns - from);
    new Int32Array(kernels.memory.buffer, KEYS_AT).set(keys.subarray(from, from + width));
    const height = width === columns ? Math.floor(PIECE / width) : 1; // a piece of a row alone
    for (let at = from, row = 0; at < mask.length; at += height * columns, row += height) {
      const rows = Math.min(height, Math.ceil((mask.length - at) / columns));
      kernels.dropoutMask(0, KEYS_AT, rows, width, row, factor, shift, limit);
      mask.set(piece.subarray(0, rows * width), at);
    }
  }
}

function columnKeys(
  columns: number,
  site: string,
  [factor, shift]: readonly [factor: number, shift: number],
): Int32Array {
  const ofSite = siteFactor(site);
  return placeNumbers(columns).map((number) => {
    const x = Math.imul(number, factor) + shift;
    return Math.imul(Math.imul(x, Math.imul(x, x)), ofSite);
  });
}
