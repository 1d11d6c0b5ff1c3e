import type { ArtifactReader, ArtifactType } from "../../engine/artifact.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { Json } from "../../engine/stage.ts";
import type { FileSource } from "../../models/file-source.ts";
import { type Folder, folder } from "./folder.ts";
import { malformed } from "./malformed.ts";

/**
 * A model as a Hugging Face folder: config.json, model.safetensors, the tokenizer's files, and what its training
 * was: trainer_state.json, training.json.
 */
export const model: ArtifactType<Folder> = { ...folder, name: "model" };

/** What fine-tune says of a training for those who read the model later; training.json, no times and no paths. */
export interface TrainingFacts {
  readonly task: string;
  /** Params that shape the training, with their defaults, by the names of TrainingArguments. */
  readonly arguments: Readonly<Record<string, Json>>;
  readonly seed: number;
  /** What the weights were at the start: `random`, or a checkpoint's head kept or drawn anew. */
  readonly start: "random" | "checkpoint-with-head" | "checkpoint-with-new-head";
  readonly max_length: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly labels: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
}

/** The training.json of a model; undefined where it has none, as one from elsewhere. */
export async function readTrainingFacts(files: ArtifactReader): Promise<TrainingFacts | undefined> {
  if (!files.has("training.json")) return undefined;
  try {
    return JSON.parse(await files.readText("training.json")) as TrainingFacts;
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed("model", "training.json", "is not JSON");
    throw error;
  }
}

/** A model artifact as the files that checkpoints are read from; each file is read, and verified, once. */
export function modelSource(files: ArtifactReader): FileSource {
  const held = new Map<string, Promise<Uint8Array>>();
  const bytesOf = (name: string) => {
    const bytes = held.get(name) ?? files.read(name);
    held.set(name, bytes);
    return bytes;
  };
  return {
    size: async (name) => (files.has(name) ? (await bytesOf(name)).byteLength : undefined),
    read: async (name, begin, end) => new Uint8Array((await bytesOf(name)).subarray(begin, end)),
  };
}

/** Runs `work`; what is wrong with a model or checkpoint (a ModelError) becomes the stage's failure. */
export async function withModelErrors<T>(what: string, work: () => Promise<T>): Promise<T> {
  const { ModelError } = await import("../../models/model-error.ts");
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const { code, message, hint } = error;
    throw new StageFailure({ code, message: `${what}: ${message}`, ...(hint && { hint }) });
  }
}
