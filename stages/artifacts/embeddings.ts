import type { ArtifactReader, ArtifactType, ArtifactWriter } from "../../engine/artifact.ts";
import { ModelError } from "../../models/model-error.ts";
import type { Pooling } from "../../models/poolings.ts";
import { formatSafetensors, parseSafetensors } from "../../models/safetensors.ts";
import { formatJsonLines, splitLines } from "./lines.ts";
import { malformed } from "./malformed.ts";
import { TOKENIZER_FILES, type TokenizerFiles } from "./tokenizer.ts";

/** What is left of a row once it is a vector. */
export interface EmbeddedRow {
  readonly id: string;
  /** Of its tokens; see rowDigest. */
  readonly tokens: string;
}

/** The rows of a split, and the vector of each: row i has [i · width, (i + 1) · width). */
export interface EmbeddedSplit {
  readonly rows: readonly EmbeddedRow[];
  readonly vectors: Float32Array;
}

/** Facts that hold for all splits. */
export interface EmbeddingsFacts {
  /** No row is longer, in tokens. */
  readonly max_length: number;
  /** Numbers of a vector. */
  readonly width: number;
  readonly pooling: Pooling;
  /** Whether vectors have the length 1. */
  readonly normalize: boolean;
  /** sha256 of what the encoder computes and of its weights: equal where vectors can be compared. */
  readonly encoder: string;
}

/** A dataset as vectors, with the tokenizer that its tokens came from. */
export interface Embeddings {
  readonly splits: ReadonlyMap<string, EmbeddedSplit>;
  readonly facts: EmbeddingsFacts;
  readonly tokenizer: TokenizerFiles;
}

/**
 * For each split `<split>/vectors.safetensors` (vectors F32 [rows, width]) and `<split>/rows.jsonl`
 * (`{"id","tokens"}`); at the top embeddings.json and the tokenizer's files as they were given.
 */
export const embeddings: ArtifactType<Embeddings> = {
  name: "embeddings",
  format: 1,
  hasParts: true,
  async write({ splits, facts, tokenizer }, files) {
    await files.write("embeddings.json", `${JSON.stringify(facts, null, 2)}\n`);
    for (const [name, bytes] of tokenizer) await files.write(name, bytes);
    for (const [name, split] of splits) await writeSplit(name, split, facts.width, files);
  },
  async read(files) {
    const facts = await readFacts(files);
    const tokenizer = new Map<string, Uint8Array>();
    for (const name of TOKENIZER_FILES)
      if (files.has(name)) tokenizer.set(name, await files.read(name));
    const splits = new Map<string, EmbeddedSplit>();
    for (const path of files.paths)
      if (path.endsWith("/vectors.safetensors")) {
        const name = path.slice(0, path.indexOf("/"));
        splits.set(name, await readSplit(name, facts.width, files));
      }
    return { splits, facts, tokenizer };
  },
};

async function writeSplit(
  name: string,
  { rows, vectors }: EmbeddedSplit,
  width: number,
  files: ArtifactWriter,
): Promise<void> {
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const tensor = { dtype: "F32", shape: [rows.length, width], bytes } as const;
  const path = `${name}/vectors.safetensors`;
  await files.write(path, formatSafetensors(new Map([["vectors", tensor]])));
  await files.write(
    `${name}/rows.jsonl`,
    formatJsonLines(rows.map(({ id, tokens }) => ({ id, tokens }))),
  );
}

async function readSplit(
  name: string,
  width: number,
  files: ArtifactReader,
): Promise<EmbeddedSplit> {
  const path = `${name}/vectors.safetensors`;
  const tensor = parseVectors(await files.read(path), path);
  const rows = await readRows(files, `${name}/rows.jsonl`);
  if (tensor?.dtype !== "F32" || `${tensor.shape}` !== `${[rows.length, width]}`)
    throw malformed("embeddings", path, `does not hold ${rows.length} vectors of ${width}`);
  // A copy is aligned, whatever the offset in the file was.
  return { rows, vectors: new Float32Array(new Uint8Array(tensor.bytes).buffer) };
}

function parseVectors(bytes: Uint8Array, path: string) {
  try {
    return parseSafetensors(bytes).tensors.get("vectors");
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw malformed("embeddings", path, `is broken (${error.code})`);
  }
}

async function readFacts(files: ArtifactReader): Promise<EmbeddingsFacts> {
  const facts = parseObject(await files.readText("embeddings.json"));
  if (Number.isSafeInteger(facts?.width) && typeof facts?.encoder === "string")
    return facts as unknown as EmbeddingsFacts;
  throw malformed("embeddings", "embeddings.json", "is not what the embed stage writes");
}

async function readRows(files: ArtifactReader, path: string): Promise<EmbeddedRow[]> {
  const rows: EmbeddedRow[] = [];
  for await (const lines of splitLines(files.stream(path)))
    for (const { bytes, number } of lines) {
      const row = parseObject(Buffer.from(bytes).toString());
      if (typeof row?.id !== "string" || typeof row.tokens !== "string")
        throw malformed("embeddings", path, `has no valid row in line ${number}`);
      rows.push({ id: row.id, tokens: row.tokens });
    }
  return rows;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
