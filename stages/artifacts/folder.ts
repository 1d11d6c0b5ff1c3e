import type { ArtifactReader, ArtifactType } from "../../engine/artifact.ts";

/** The content of one file: in memory, or a stream that can be read more than once. */
export type FileContent = Uint8Array | string | AsyncIterable<Uint8Array>;

/** Files by relative, `/`-separated path. */
export interface Folder {
  readonly files: ReadonlyMap<string, FileContent>;
}

/** Any files. */
export const folder: ArtifactType<Folder> = folderNamed("folder");

/** A model as a Hugging Face folder: config.json, model.safetensors and what belongs to them. */
export const model: ArtifactType<Folder> = folderNamed("model");

function folderNamed(name: string): ArtifactType<Folder> {
  return {
    name,
    format: 1,
    async write({ files }, writer) {
      for (const [path, content] of files) await writer.write(path, content);
    },
    read: async (reader) => ({
      files: new Map(reader.paths.map((path) => [path, lazily(reader, path)])),
    }),
  };
}

/** Nothing is read before it is iterated: a model's weights need not fit in memory twice. */
function lazily(reader: ArtifactReader, path: string): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => reader.stream(path)[Symbol.asyncIterator]() };
}
