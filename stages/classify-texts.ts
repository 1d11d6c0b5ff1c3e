import type { Device } from "../compute/device.ts";
import { probabilityOf } from "../training/label-set-metrics.ts";
import { probabilitiesOf } from "../training/metrics.ts";
import { openSavedModel } from "./open-saved-model.ts";

/** A label, and the probability that a model gives it: all together 1, or each by itself where several may fit. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** A saved classifier, ready for texts. */
export interface TextClassifier {
  /** Each text's labels, the most probable first, in the order of the texts. */
  classify(texts: readonly string[]): Promise<readonly (readonly LabelScore[])[]>;
}

/**
 * Opens a Hugging Face folder that holds a classifier and its tokenizer. Texts longer than the model takes are cut
 * at their end. A StageFailure says what is missing or does not fit.
 */
export async function openTextClassifier(folder: string, device: Device): Promise<TextClassifier> {
  const task = "sequence-classification";
  const { encoder, labels, model, logitsOf } = await openSavedModel(folder, { task, device });
  const isSet = model.problemType === "multi_label_classification";
  const scoresOf = (logits: Float32Array) =>
    isSet ? Float64Array.from(logits, probabilityOf) : probabilitiesOf(logits);
  return {
    async classify(texts) {
      if (texts.length === 0) return [];
      const logits = await logitsOf(encoder.encode(texts));
      const count = labels.length;
      return texts.map((_, i) =>
        ranked(scoresOf(logits.subarray(i * count, (i + 1) * count)), labels),
      );
    },
  };
}

function ranked(scores: Float64Array, labels: readonly string[]): readonly LabelScore[] {
  return labels
    .map((label, id) => ({ label, score: scores[id]! }))
    .sort((a, b) => b.score - a.score);
}
