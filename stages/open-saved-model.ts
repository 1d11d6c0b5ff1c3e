import type { Device } from "../compute/device.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import { folderSource } from "../models/file-source.ts";
import type { Task } from "../models/model.ts";
import { loadPretrained, type ModelWithWeights } from "../models/pretrained.ts";
import { predictLogits } from "../training/evaluate.ts";
import { withModelErrors } from "./artifacts/model.ts";
import type { TokenizerFiles } from "./artifacts/tokenizer.ts";
import { BatchEncoder, type EncodedBatch } from "./tokenize/batch-encoder.ts";
import { readTokenizer } from "./tokenize/read-tokenizer.ts";
import { typesOf } from "./tokenize/tokenize-dataset.ts";

/** A model of a Hugging Face folder with its tokenizer, ready for texts. */
export interface SavedModel extends ModelWithWeights {
  /** Cuts texts that are longer than the model takes at their end. */
  readonly encoder: BatchEncoder;
  /** The most tokens of a row. */
  readonly maxLength: number;
  /** As predictLogits gives them. */
  logitsOf(batch: EncodedBatch): Promise<Float32Array>;
}

const BATCH_ROWS = 32;

/** Opens a Hugging Face folder that holds a model for the task; a StageFailure says what is missing or does not fit. */
export async function openSavedModel(
  folder: string,
  { task, device }: { task: Task; device: Device },
): Promise<SavedModel> {
  const loaded = await withModelErrors("The model cannot be used", () => loadHead(folder, task));
  const { model, parameters } = loaded;
  const files = await readTokenizer(folder);
  const maxLength = longestRow(loaded, files);
  const encoder = new BatchEncoder(files, { maxLength });
  const { vocabSize, template } = encoder.facts;
  if (vocabSize > model.vocabSize) throw otherTokenizer(vocabSize, model.vocabSize);
  return {
    ...loaded,
    encoder,
    maxLength,
    logitsOf({ ids, lengths }) {
      const offsets = offsetsOf(lengths);
      const rows = {
        ids,
        offsets,
        ...(template.types && { typeIds: typesOf(offsets, template) }),
        labels: new Int32Array(lengths.length),
        rowIds: Array.from(lengths, (_, i) => String(i + 1)),
      };
      return predictLogits(rows, { model, parameters, device, batchSize: BATCH_ROWS });
    },
  };
}

async function loadHead(folder: string, task: Task): Promise<ModelWithWeights> {
  const loaded = await loadPretrained(folderSource(folder), { task, seed: 0 });
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

function otherTokenizer(vocabulary: number, model: number): StageFailure {
  return new StageFailure({
    code: "other-tokenizer",
    message: `The tokenizer has ${vocabulary} tokens, but the model's vocabulary has ${model}.`,
    hint: "tokenizer.json and model.safetensors must come from the same training",
  });
}
