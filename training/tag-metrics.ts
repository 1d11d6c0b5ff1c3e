import { entitiesOf, isEntityScheme } from "./entities.ts";
import {
  type ClassificationMetrics,
  type ClassMetrics,
  classificationMetrics,
  classMetricsOf,
  predictedLabels,
} from "./metrics.ts";
import type { TokenDataset } from "./token-dataset.ts";

/** How well the words of texts are tagged. */
export interface TagMetrics extends ClassificationMetrics {
  /** Of all entities together; of all words where the tags are no entities. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * Metrics of the words' logits. Loss, accuracy and the confusion matrix count words. Where tags mark entities
 * (B-PER, I-PER, O), the others count entities, right where begin, end and type are, as seqeval does; else tags.
 * https://github.com/chakki-works/seqeval
 */
export function tagMetrics(
  logits: Float32Array,
  dataset: TokenDataset,
  labels: readonly string[],
): TagMetrics {
  const words = wordsOnly(logits, dataset, labels.length);
  const found = classificationMetrics(words.logits, words.truth, labels);
  if (!isEntityScheme(labels)) {
    const { accuracy } = found;
    return { ...found, precision: accuracy, recall: accuracy, f1: accuracy };
  }
  const nameAll = (ids: Int32Array) => Array.from(ids, (id) => labels[id]!);
  const [truth, predicted] = [
    nameAll(words.truth),
    nameAll(predictedLabels(words.logits, labels.length)),
  ];
  return { ...found, ...entityMetrics(truth, predicted, words.rowEnds) };
}

/** Entity by entity, of the tags of words one row after the other; `rowEnds` says where rows end. */
export function entityMetrics(
  truth: readonly string[],
  predicted: readonly string[],
  rowEnds: readonly number[],
): Pick<TagMetrics, "precision" | "recall" | "f1" | "macro_f1" | "weighted_f1" | "per_class"> {
  const counts = new Map<string, { hits: number; support: number; predicted: number }>();
  const countOf = (type: string) => {
    const count = counts.get(type) ?? { hits: 0, support: 0, predicted: 0 };
    counts.set(type, count);
    return count;
  };
  for (const [row, end] of rowEnds.entries()) {
    const begin = rowEnds[row - 1] ?? 0;
    const right = new Set<string>();
    for (const { type, begin: from, end: to } of entitiesOf(truth.slice(begin, end))) {
      countOf(type).support++;
      right.add(`${from} ${to} ${type}`);
    }
    for (const { type, begin: from, end: to } of entitiesOf(predicted.slice(begin, end))) {
      countOf(type).predicted++;
      if (right.has(`${from} ${to} ${type}`)) countOf(type).hits++;
    }
  }
  const types = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const per_class = types.map(([label, count]) => classMetricsOf(label, count));
  const all = classMetricsOf("", {
    hits: total(types, (count) => count.hits),
    support: total(types, (count) => count.support),
    predicted: total(types, (count) => count.predicted),
  });
  const { precision, recall, f1 } = all;
  const weighted = per_class.reduce((sum, each) => sum + each.f1 * each.support, 0);
  return {
    precision,
    recall,
    f1,
    macro_f1: per_class.reduce((sum, each) => sum + each.f1, 0) / Math.max(1, per_class.length),
    weighted_f1: weighted / Math.max(1, all.support),
    per_class: per_class satisfies readonly ClassMetrics[],
  };
}

function total<Count>(
  types: readonly (readonly [string, Count])[],
  of: (count: Count) => number,
): number {
  return types.reduce((sum, [, count]) => sum + of(count), 0);
}

/** The logits and labels of the tokens that have a label, and how many there are up to the end of each row. */
function wordsOnly(
  logits: Float32Array,
  { labels, offsets, rowIds }: TokenDataset,
  width: number,
): { logits: Float32Array; truth: Int32Array; rowEnds: readonly number[] } {
  const places = Array.from(labels.keys()).filter((at) => labels[at]! >= 0);
  const kept = new Float32Array(places.length * width);
  for (const [word, at] of places.entries())
    kept.set(logits.subarray(at * width, (at + 1) * width), word * width);
  const rowEnds: number[] = [];
  let word = 0;
  for (const row of rowIds.keys()) {
    while (word < places.length && places[word]! < offsets[row + 1]!) word++;
    rowEnds.push(word);
  }
  return { logits: kept, truth: labels.filter((label) => label >= 0), rowEnds };
}
