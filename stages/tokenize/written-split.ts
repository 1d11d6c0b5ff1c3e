import { type TokenSplit, Written } from "../artifacts/tokens.ts";
import type { EncodedBatch } from "./batch-encoder.ts";
import type { EncodedRows } from "./row-encoding.ts";

/** What was cut off texts that are to be written, as metrics name it. */
export type CutTexts = Readonly<
  Partial<Record<"completions_cut" | "completions_lost" | "targets_cut", number>>
>;

/** What completions, conversations and targets add to a split, and how many of them were cut. */
export function writtenTokens(
  rows: TokenSplit["rows"],
  batches: readonly EncodedRows[],
  vocabSize: number,
): { readonly split: Pick<TokenSplit, "written" | "targets">; readonly cut: CutTexts } {
  const written = batches.flatMap((batch) => batch.written ?? []);
  const targets = batches.flatMap((batch) => batch.targets ?? []);
  if (targets.length > 0)
    return {
      split: { targets: packIds(targets, rows.length, vocabSize) },
      cut: { targets_cut: targets.reduce((sum, batch) => sum + cutTexts(batch), 0) },
    };
  if (written.length === 0) return { split: {}, cut: {} };
  return {
    split: { written: Uint8Array.from(Buffer.concat(written)) },
    cut: {
      completions_cut: batches.reduce((sum, batch) => sum + cutTexts(batch), 0),
      completions_lost: batches.reduce((sum, batch) => sum + lostTexts(batch), 0),
    },
  };
}

/** Ids of all batches in one array, with where each row begins in it. */
export function packIds(
  batches: readonly EncodedBatch[],
  rows: number,
  vocabSize: number,
): Pick<TokenSplit, "inputIds" | "offsets"> {
  const total = batches.reduce((sum, { ids }) => sum + ids.length, 0);
  if (total > 0xffff_ffff) throw new Error("internal: more than 2^32 tokens in one split");
  const inputIds = vocabSize <= 0x1_0000 ? new Uint16Array(total) : new Uint32Array(total);
  const offsets = new Uint32Array(rows + 1);
  let row = 0;
  let at = 0;
  for (const { ids, lengths } of batches) {
    inputIds.set(ids, at);
    for (const length of lengths) offsets[++row] = at += length;
  }
  return { inputIds, offsets };
}

function cutTexts({ lengths, fullLengths }: EncodedBatch): number {
  return lengths.filter((length, i) => length < fullLengths[i]!).length;
}

/** Rows in which nothing is left that is to be written. */
function lostTexts({ lengths, written }: EncodedRows): number {
  let at = 0;
  return lengths.filter((length) => {
    const own = written!.subarray(at, at + length);
    at += length;
    return own.every((who) => who === Written.given);
  }).length;
}
