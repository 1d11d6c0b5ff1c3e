import type { Dataset, Row } from "../../stages/artifacts/dataset.ts";

/** Rows with these texts, ids "1", "2", …; a text may come with a label. */
export function rowsOf(texts: readonly (string | readonly [text: string, label: string])[]): Row[] {
  return texts.map((item, i) => {
    const [text, label] = typeof item === "string" ? [item] : item;
    const row = { id: String(i + 1), text: text!, columns: {} };
    return label === undefined ? row : { ...row, label };
  });
}

/** A dataset with the single split `train`. */
export function datasetOf(rows: readonly Row[]): Dataset {
  return { splits: new Map([["train", rows]]) };
}
