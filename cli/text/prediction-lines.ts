import type { LabelScore } from "../../stages/classify-texts.ts";
import type { TaggedText } from "../../stages/tag-texts.ts";
import { printableLine } from "./printable.ts";

/** What a classifier says of a text, as a line. */
export function labelLine(
  text: string,
  scores: readonly LabelScore[],
  { json }: { json: boolean },
): string {
  if (!json) {
    const shown = scores.map(({ label, score }) => `${printableLine(label)} ${score.toFixed(3)}`);
    return `${shown.join("  ")}\t${printableLine(text)}\n`;
  }
  const rounded = scores.map((each) => [each.label, roundedScore(each)] as const);
  const [label, score] = rounded[0]!;
  return `${JSON.stringify({ text, label, score, scores: Object.fromEntries(rounded) })}\n`;
}

/** The probability from which a label of several is given. */
const GIVEN_FROM = 0.5;

/** What a classifier of several labels says of a text, as a line: the labels that it gives; with JSON the others' scores, too. */
export function labelSetLine(
  text: string,
  scores: readonly LabelScore[],
  { json }: { json: boolean },
): string {
  const given = scores.filter(({ score }) => score > GIVEN_FROM);
  if (json) {
    const all = Object.fromEntries(scores.map((each) => [each.label, roundedScore(each)]));
    return `${JSON.stringify({ text, labels: given.map(({ label }) => label), scores: all })}\n`;
  }
  const shown = given.map(({ label, score }) => `${printableLine(label)} ${score.toFixed(3)}`);
  return `${shown.join("  ") || "-"}\t${printableLine(text)}\n`;
}

/** What a model writes after a text, or makes of it, as a line. */
export function writtenLine(text: string, generated: string, { json }: { json: boolean }): string {
  if (json) return `${JSON.stringify({ text, generated })}\n`;
  return `${printableLine(generated)}\t${printableLine(text)}\n`;
}

/** What a model of numbers says of a text, as a line. */
export function numberLine(
  text: string,
  numbers: Readonly<Record<string, number>>,
  { json }: { json: boolean },
): string {
  const entries = Object.entries(numbers);
  if (json) {
    const rounded = entries.map(([name, value]) => [name, Number(value.toPrecision(6))]);
    return `${JSON.stringify({ text, numbers: Object.fromEntries(rounded) })}\n`;
  }
  const shown = entries.map(([name, value]) => `${printableLine(name)} ${value.toFixed(3)}`);
  return `${shown.join("  ")}\t${printableLine(text)}\n`;
}

/** What a tagger says of a text, as a line: its entities, or the tag of each word. */
export function tagLine(
  text: string,
  { words, entities }: TaggedText,
  { json }: { json: boolean },
): string {
  const rounded = <Each extends { readonly score: number }>(all: readonly Each[]) =>
    all.map((each) => ({ ...each, score: roundedScore(each) }));
  if (json) {
    const found = { words: rounded(words), ...(entities && { entities: rounded(entities) }) };
    return `${JSON.stringify({ text, ...found })}\n`;
  }
  const shown =
    entities?.map(
      ({ entity_group, word, score }) =>
        `${printableLine(entity_group)} ${printableLine(word)} ${score.toFixed(3)}`,
    ) ?? words.map(({ word, tag }) => `${printableLine(word)}/${printableLine(tag)}`);
  return `${shown.join("  ") || "-"}\t${printableLine(text)}\n`;
}

/** More digits would differ with the texts that happen to share a batch. */
function roundedScore({ score }: { readonly score: number }): number {
  return Number(score.toPrecision(6));
}
