import type { ArtifactReader, ArtifactType } from "../../engine/artifact.ts";

/** The content of one file: in memory, or a stream that can be read more than once. */
export type FileContent = Uint8Array | string | AsyncIterable<Uint8Array>;

/** Files by relative, `/`-separated path. */
export interface Folder {
  readonly files: ReadonlyMap<string, FileContent>;
}

/** Any files. */
export const folder: ArtifactType<Folder> = {
  name: "folder",
  format: 1,
  async write({ files }, writer) {
    for (const [path, content] of files) await writer.write(path, content);
  },
  read: async (reader) => ({
    files: new Map(reader.paths.map((path) => [path, lazily(reader, path)])),
  }),
};

/** Nothing is read before it is iterated: a model's weights need not fit in memory twice. */
function lazily(reader: ArtifactReader, path: string): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => reader.stream(path)[Symbol.asyncIterator]() };
}
