import type { ConfigJson } from "./config-json.ts";
import { toFloat32 } from "./dtype.ts";
import type { FileSource } from "./file-source.ts";
import { ModelError } from "./model-error.ts";
import { type Parameter, parameter } from "./parameters.ts";
import { headerLength, parseHeader, type TensorEntry } from "./safetensors.ts";

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** The tensors of a checkpoint by name; their values are read one at a time, when asked for. */
export interface Checkpoint {
  readonly config: ConfigJson;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** A tensor as float32. */
  read(name: string): Promise<Parameter>;
}

/** Opens a Hugging Face folder: config.json and model.safetensors, whole or in shards. */
export async function openCheckpoint(source: FileSource): Promise<Checkpoint> {
  const config = await readConfig(source);
  const entries = new Map<string, TensorEntry & { readonly file: string }>();
  for (const [file, names] of await weightFiles(source)) {
    const tensors = await readTensorEntries(source, file);
    for (const name of names ?? tensors.keys()) {
      const entry = tensors.get(name);
      if (entry === undefined)
        throw new ModelError(
          "checkpoint-index",
          `${INDEX} says that ${file} holds "${name}"; it does not.`,
        );
      entries.set(name, { ...entry, file });
    }
  }
  return {
    config,
    shapes: new Map([...entries].map(([name, { shape }]) => [name, shape])),
    async read(name) {
      const entry = entries.get(name);
      if (entry === undefined) throw new Error(`internal: the checkpoint has no "${name}".`);
      const bytes = await source.read(entry.file, entry.begin, entry.end);
      return parameter(entry.shape, toFloat32(entry.dtype, bytes));
    },
  };
}

/** The config.json of a model; a ModelError when it is missing or not a JSON object. */
export async function readConfig(source: FileSource): Promise<ConfigJson> {
  return readJsonObject(source, "config.json");
}

/** Each file of weights, with the names that it must hold (undefined: whatever it holds). */
async function weightFiles(
  source: FileSource,
): Promise<ReadonlyMap<string, readonly string[] | undefined>> {
  if ((await source.size(WEIGHTS)) !== undefined) return new Map([[WEIGHTS, undefined]]);
  if ((await source.size(INDEX)) === undefined) throw await noWeights(source);
  const { weight_map: map } = await readJsonObject(source, INDEX);
  const files = new Map<string, string[]>();
  for (const [name, file] of Object.entries(map ?? {})) {
    if (typeof file !== "string" || !/^[\w.-]+\.safetensors$/.test(file))
      throw new ModelError(
        "checkpoint-index",
        `${INDEX}: "${name}" is in ${JSON.stringify(file)}, not a .safetensors file of the folder.`,
      );
    if (!files.has(file)) files.set(file, []);
    files.get(file)!.push(name);
  }
  return files;
}

async function noWeights(source: FileSource): Promise<ModelError> {
  const hasPickle = (await source.size("pytorch_model.bin")) !== undefined;
  return new ModelError(
    "checkpoint-missing",
    `The model has no ${WEIGHTS} (nor ${INDEX}).`,
    hasPickle
      ? "pytorch_model.bin is a pickle, which can run code, and is never read: convert it to safetensors."
      : undefined,
  );
}

async function readTensorEntries(
  source: FileSource,
  file: string,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const size = await source.size(file);
  if (size === undefined)
    throw new ModelError("checkpoint-missing", `${INDEX} names ${file}, which is missing.`);
  try {
    const prefix = await source.read(file, 0, Math.min(8, size));
    const length = headerLength(prefix, size);
    return parseHeader(await source.read(file, 8, 8 + length), size).tensors;
  } catch (error) {
    if (error instanceof ModelError)
      throw new ModelError(error.code, `${file}: ${error.message}`, error.hint);
    throw error;
  }
}

async function readJsonObject(source: FileSource, name: string): Promise<ConfigJson> {
  const size = await source.size(name);
  if (size === undefined) throw new ModelError("checkpoint-missing", `The model has no ${name}.`);
  const text = Buffer.from(await source.read(name, 0, size)).toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as ConfigJson;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ModelError("checkpoint-json", `${name} is not JSON: ${error.message}.`);
  }
  throw new ModelError("checkpoint-json", `${name} is not a JSON object.`);
}
