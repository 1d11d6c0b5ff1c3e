import type { Device } from "../compute/device.ts";
import { entitiesOf, isEntityScheme } from "../training/entities.ts";
import { probabilitiesOf } from "../training/metrics.ts";
import { openSavedModel } from "./open-saved-model.ts";

/** A stretch of a text, in UTF-16 code units. */
export interface TextSpan {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** A word with its most probable tag. */
export interface TaggedWord extends TextSpan {
  readonly tag: string;
  readonly score: number;
}

/** An entity; the score is the mean of its words'. */
export interface FoundEntity extends TextSpan {
  readonly entity_group: string;
  readonly score: number;
}

/** What a tagger finds in a text. Words beyond the longest row are not in it. */
export interface TaggedText {
  readonly words: readonly TaggedWord[];
  /** Absent where the tags mark no entities. */
  readonly entities?: readonly FoundEntity[];
}

/** A saved tagger, ready for texts. */
export interface TextTagger {
  /** In the order of the texts. */
  tag(texts: readonly string[]): Promise<readonly TaggedText[]>;
}

/** Opens a Hugging Face folder that holds a tagger of words and its tokenizer; a StageFailure says what does not fit. */
export async function openTextTagger(folder: string, device: Device): Promise<TextTagger> {
  const task = "token-classification";
  const { encoder, labels, logitsOf } = await openSavedModel(folder, { task, device });
  const marksEntities = isEntityScheme(labels);
  return {
    async tag(texts) {
      if (texts.length === 0) return [];
      const spans = texts.map(wordsOf);
      const batch = encoder.encodeWords(spans.map((words) => words.map(({ word }) => word)));
      const logits = await logitsOf(batch);
      let at = 0;
      return texts.map((text, i) => {
        const words: TaggedWord[] = [];
        for (const end = at + batch.lengths[i]!; at < end; at++) {
          const span = spans[i]![batch.begins[at]!];
          const own = logits.subarray(at * labels.length, (at + 1) * labels.length);
          if (span) words.push({ ...span, ...bestTag(own, labels) });
        }
        return { words, ...(marksEntities && { entities: entitiesIn(text, words) }) };
      });
    },
  };
}

const PUNCTUATION = /^[\p{P}\p{S}]$/u;

/** What white space divides; punctuation at the ends of a word is a word of its own, character by character. */
export function wordsOf(text: string): readonly TextSpan[] {
  const spans: TextSpan[] = [];
  for (const { 0: piece, index } of text.matchAll(/\S+/gu)) {
    const characters = [...piece];
    const first = characters.findIndex((one) => !PUNCTUATION.test(one));
    const last = characters.findLastIndex((one) => !PUNCTUATION.test(one));
    const words =
      first < 0
        ? characters
        : [
            ...characters.slice(0, first),
            characters.slice(first, last + 1).join(""),
            ...characters.slice(last + 1),
          ];
    let start = index;
    for (const word of words) {
      spans.push({ word, start, end: start + word.length });
      start += word.length;
    }
  }
  return spans;
}

function bestTag(logits: Float32Array, labels: readonly string[]): { tag: string; score: number } {
  const scores = probabilitiesOf(logits);
  let best = 0;
  for (const [id, score] of scores.entries()) if (score > scores[best]!) best = id;
  return { tag: labels[best]!, score: scores[best]! };
}

function entitiesIn(text: string, words: readonly TaggedWord[]): readonly FoundEntity[] {
  return entitiesOf(words.map(({ tag }) => tag)).map(({ type, begin, end }) => {
    const own = words.slice(begin, end);
    const [start, stop] = [own[0]!.start, own.at(-1)!.end];
    const score = own.reduce((sum, word) => sum + word.score, 0) / own.length;
    return { entity_group: type, word: text.slice(start, stop), start, end: stop, score };
  });
}
