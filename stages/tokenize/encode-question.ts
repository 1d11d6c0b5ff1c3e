import type { Encoder, PairTemplate, PlacedIds } from "./encoder.ts";

/** How a question and its context become rows. */
export interface QuestionLimits {
  readonly maxLength: number;
  /** Tokens of the context that a row shares with the one before it. */
  readonly docStride: number;
}

/** A question with one stretch of its context, as ids. */
export interface QuestionRow {
  readonly ids: Uint32Array;
  readonly types: Uint8Array;
  /** For each id where it stands in the context, in UTF-16 code units; both 0 where it does not. */
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
}

/**
 * A question with its context, cut into as many rows as the limit asks for: as transformers' tokenizers with truncation
 * "only_second", `stride` and return_overflowing_tokens, the question without white space before it. No rows where the
 * limit leaves no room for more of the context than rows share.
 */
export function encodeQuestion(
  encoder: Encoder,
  { question, context }: { readonly question: string; readonly context: PlacedIds },
  { maxLength, docStride }: QuestionLimits,
): readonly QuestionRow[] {
  const { pairTemplate: template } = encoder;
  const asked = encoder.ownIds(question.trimStart());
  const special = template.before.length + template.between.length + template.after.length;
  const room = maxLength - special - asked.length;
  if (room <= docStride) return [];
  const rows: QuestionRow[] = [];
  for (let begin = 0; ; begin += room - docStride) {
    const end = Math.min(begin + room, context.ids.length);
    rows.push(rowOf(template, asked, stretchOf(context, begin, end)));
    if (end === context.ids.length) return rows;
  }
}

function stretchOf({ ids, begins, ends }: PlacedIds, begin: number, end: number): PlacedIds {
  return {
    ids: ids.slice(begin, end),
    begins: begins.slice(begin, end),
    ends: ends.slice(begin, end),
  };
}

function rowOf(
  { before, between, after, types }: PairTemplate,
  asked: readonly number[],
  context: PlacedIds,
): QuestionRow {
  const [ofBefore, ofAsked, ofBetween, ofContext, ofAfter] = types;
  const ids = [...before, ...asked, ...between, ...context.ids, ...after];
  const first = before.length + asked.length + between.length;
  const placed = (places: readonly number[]) => {
    const all = new Uint32Array(ids.length);
    all.set(places, first);
    return all;
  };
  const askedTypes = asked.map(() => ofAsked);
  const contextTypes = context.ids.map(() => ofContext);
  return {
    ids: Uint32Array.from(ids),
    types: Uint8Array.of(...ofBefore, ...askedTypes, ...ofBetween, ...contextTypes, ...ofAfter),
    begins: placed(context.begins),
    ends: placed(context.ends),
  };
}
