import type { Device } from "../compute/device.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import { folderSource } from "../models/file-source.ts";
import { loadPretrained, type ModelWithWeights } from "../models/pretrained.ts";
import { predictLogits } from "../training/evaluate.ts";
import { probabilitiesOf } from "../training/metrics.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import { withModelErrors } from "./artifacts/model.ts";
import type { TokenizerFiles } from "./artifacts/tokenizer.ts";
import { BatchEncoder } from "./tokenize/batch-encoder.ts";
import { readTokenizer } from "./tokenize/read-tokenizer.ts";
import { typesOf } from "./tokenize/tokenize-dataset.ts";

/** A label, and the probability that a model gives it. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** A saved classifier, ready for texts. */
export interface TextClassifier {
  /** Each text's labels, the most probable first, in the order of the texts. */
  classify(texts: readonly string[]): Promise<readonly (readonly LabelScore[])[]>;
}

const BATCH_ROWS = 32;

/**
 * Opens a Hugging Face folder that holds a classifier and its tokenizer. Texts longer than the model takes are cut
 * at their end. A StageFailure says what is missing or does not fit.
 */
export async function openTextClassifier(folder: string, device: Device): Promise<TextClassifier> {
  const classifier = await withModelErrors("The model cannot be used", () =>
    loadClassifier(folder),
  );
  const { model, labels, parameters } = classifier;
  const files = await readTokenizer(folder);
  const encoder = new BatchEncoder(files, { maxLength: longestRow(classifier, files) });
  const { vocabSize, template } = encoder.facts;
  if (vocabSize > model.vocabSize) throw otherTokenizer(vocabSize, model.vocabSize);
  return {
    async classify(texts) {
      if (texts.length === 0) return [];
      const { ids, lengths } = encoder.encode(texts);
      const offsets = offsetsOf(lengths);
      const rows: TokenDataset = {
        ids,
        offsets,
        ...(template.types && { typeIds: typesOf(offsets, template) }),
        labels: new Int32Array(texts.length),
        rowIds: texts.map((_, i) => String(i + 1)),
      };
      const options = { model, parameters, device, batchSize: BATCH_ROWS };
      const logits = await predictLogits(rows, options);
      const count = labels.length;
      return texts.map((_, i) => ranked(logits.subarray(i * count, (i + 1) * count), labels));
    },
  };
}

async function loadClassifier(folder: string): Promise<ModelWithWeights> {
  const loaded = await loadPretrained(folderSource(folder), {
    task: "sequence-classification",
    seed: 0,
  });
  if (loaded.report.keptHead) return loaded;
  throw new StageFailure({
    code: "no-classification-head",
    message: "The model has no classification head: it was not trained to tell labels apart.",
    hint: "train it with a fine-tune stage, and use the folder that its save stage writes",
  });
}

/** What the model can take, or the less that its tokenizer's model_max_length says. */
function longestRow({ model }: ModelWithWeights, files: TokenizerFiles): number {
  const config = files.get("tokenizer_config.json");
  const { model_max_length = null } = config ? JSON.parse(Buffer.from(config).toString()) : {};
  return Number.isSafeInteger(model_max_length) && model_max_length > 0
    ? Math.min(model_max_length, model.maxLength)
    : model.maxLength;
}

function offsetsOf(lengths: Uint32Array): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1);
  for (const [i, length] of lengths.entries()) offsets[i + 1] = offsets[i]! + length;
  return offsets;
}

function ranked(logits: Float32Array, labels: readonly string[]): readonly LabelScore[] {
  const scores = probabilitiesOf(logits);
  return labels
    .map((label, id) => ({ label, score: scores[id]! }))
    .sort((a, b) => b.score - a.score);
}

function otherTokenizer(vocabulary: number, model: number): StageFailure {
  return new StageFailure({
    code: "other-tokenizer",
    message: `The tokenizer has ${vocabulary} tokens, but the model's vocabulary has ${model}.`,
    hint: "tokenizer.json and model.safetensors must come from the same training",
  });
}
