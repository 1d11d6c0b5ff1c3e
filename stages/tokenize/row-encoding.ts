import type { Row } from "../artifacts/dataset.ts";
import type { BatchEncoder, EncodedBatch } from "./batch-encoder.ts";
import type { ChatTemplate } from "./chat-template.ts";
import { areTagged } from "./tagged-split.ts";

/** The ids of a batch of rows. */
export interface EncodedRows extends EncodedBatch {
  /** Of rows of which parts are to be written: for each id who wrote it. */
  readonly written?: Uint8Array;
  /** Of rows that have targets. */
  readonly targets?: EncodedBatch;
}

/** What rows are encoded with. */
export interface RowEncodingOptions {
  readonly encoder: BatchEncoder;
  /** The most tokens of a target. */
  readonly maxTargetLength: number;
  /** Made where rows are conversations. */
  readonly chatTemplate: () => ChatTemplate;
}

/** How the rows of a split become ids: as words, prompts with completions, conversations, sources with targets, or texts. */
export function rowEncoding(
  rows: readonly Row[],
  { encoder, maxTargetLength, chatTemplate }: RowEncodingOptions,
): (batch: readonly Row[]) => Promise<EncodedRows> {
  const all = (field: keyof Row) =>
    rows.length > 0 && rows.every((row) => row[field] !== undefined);
  const texts = (batch: readonly Row[]) => batch.map(({ text }) => text);
  if (areTagged(rows))
    return async (batch) => encoder.encodeWords(batch.map(({ words }) => words!));
  if (all("completion"))
    return async (batch) =>
      encoder.encodeCompletions(
        batch.map(({ text, completion }) => ({ prompt: text, completion: completion! })),
      );
  if (all("messages")) {
    const template = chatTemplate();
    return async (batch) => {
      const marked = [];
      for (const { id, messages } of batch)
        marked.push(await template.write(messages!, `the row "${id}"`));
      return encoder.encodeMarked(marked);
    };
  }
  if (all("target"))
    return async (batch) => ({
      ...encoder.encode(texts(batch)),
      targets: encoder.encodeTargets(
        batch.map(({ target }) => target!),
        { maxLength: maxTargetLength },
      ),
    });
  return async (batch) => encoder.encode(texts(batch));
}
