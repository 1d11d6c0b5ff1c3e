import { rowCount, rowLength, type TokenDataset } from "./token-dataset.ts";

/**
 * The same texts in fewer rows of at most `maxLength` tokens: best fit, longest texts first. Each text stays whole
 * and keeps its own labels; the texts of a row, and the rows by their first text, stay in their order. A
 * row's id is those of its texts. Depends on nothing but the lengths.
 */
export function packRows(dataset: TokenDataset, maxLength: number): TokenDataset {
  const rows = rowsOfTexts(dataset, maxLength);
  const order = rows.flat();
  const ids = dataset.ids.slice();
  const labels = dataset.labels.slice();
  const textStarts = new Uint8Array(ids.length);
  let at = 0;
  for (const text of order) {
    const [begin, end] = [dataset.offsets[text]!, dataset.offsets[text + 1]!];
    ids.set(dataset.ids.subarray(begin, end), at);
    labels.set(dataset.labels.subarray(begin, end), at);
    textStarts[at] = 1;
    at += end - begin;
  }
  const offsets = new Uint32Array(rows.length + 1);
  for (const [row, texts] of rows.entries())
    offsets[row + 1] =
      offsets[row]! + texts.reduce((sum, text) => sum + rowLength(dataset, text), 0);
  const rowIds = rows.map((texts) => texts.map((text) => dataset.rowIds[text]).join(" + "));
  return { ids, offsets, labels, labelsOf: "tokens", textStarts, rowIds };
}

/** The numbers of the texts in each row. */
function rowsOfTexts(dataset: TokenDataset, maxLength: number): readonly (readonly number[])[] {
  const longestFirst = Array.from({ length: rowCount(dataset) }, (_, text) => text);
  longestFirst.sort((a, b) => rowLength(dataset, b) - rowLength(dataset, a) || a - b);
  const rows: number[][] = [];
  const withRoom = Array.from({ length: maxLength + 1 }, (): number[][] => []); // by free places
  for (const text of longestFirst) {
    const length = rowLength(dataset, text);
    let room = length;
    while (room <= maxLength && withRoom[room]!.length === 0) room++;
    const row = withRoom[room]?.pop() ?? [];
    if (row.length === 0) rows.push(row);
    row.push(text);
    withRoom[Math.min(room, maxLength) - length]?.push(row);
  }
  for (const row of rows) row.sort((a, b) => a - b);
  return rows.sort(([a], [b]) => a! - b!);
}
