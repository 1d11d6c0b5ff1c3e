import type { Device } from "../compute/device.ts";
import { openSavedModel } from "./open-saved-model.ts";

/** A saved model of numbers, ready for texts. */
export interface TextRater {
  /** The numbers of each text by their names, in the order of the texts. */
  rate(texts: readonly string[]): Promise<readonly Readonly<Record<string, number>>[]>;
}

/** Opens a Hugging Face folder that holds a regression model and its tokenizer; a StageFailure says what does not fit. */
export async function openTextRater(folder: string, device: Device): Promise<TextRater> {
  const task = "sequence-classification";
  const { encoder, labels, logitsOf } = await openSavedModel(folder, { task, device });
  return {
    async rate(texts) {
      if (texts.length === 0) return [];
      const logits = await logitsOf(encoder.encode(texts));
      return texts.map((_, row) =>
        Object.fromEntries(labels.map((name, at) => [name, logits[row * labels.length + at]!])),
      );
    },
  };
}
