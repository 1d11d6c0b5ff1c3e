import { StageFailure } from "../../engine/diagnostic.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";

/** `class_weights` as the pipeline file has them. */
export type GivenClassWeights = "balanced" | Readonly<Record<string, number>>;

/** The weight of each label by its id: scikit-learn's "balanced", or those given, 1 where none is. */
export function classWeightsOf(
  given: GivenClassWeights,
  labels: readonly string[],
  dataset: TokenDataset,
): readonly number[] {
  if (given !== "balanced") return givenWeights(given, labels);
  const counts = labels.map(() => 0);
  for (const label of dataset.labels) if (label >= 0) counts[label]! += 1;
  const all = counts.reduce((sum, count) => sum + count, 0);
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 1 : all / (present * count)));
}

function givenWeights(
  given: Readonly<Record<string, number>>,
  labels: readonly string[],
): readonly number[] {
  const unknown = Object.keys(given).filter((label) => !labels.includes(label));
  if (unknown.length > 0)
    throw new StageFailure({
      code: "unknown-label",
      message: `class_weights has a weight for ${unknown.map((label) => `"${label}"`).join(", ")}, but no row has this label.`,
      hint: `the labels are ${labels.slice(0, 20).join(", ")}${labels.length > 20 ? ", …" : ""}`,
    });
  return labels.map((label) => (Object.hasOwn(given, label) ? given[label]! : 1));
}
