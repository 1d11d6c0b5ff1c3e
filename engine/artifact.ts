import type { Digest } from "../cache/digest.ts";

/** Files of an artifact being written. Paths are relative, `/`-separated, without `.` or `..`. */
export interface ArtifactWriter {
  /** Stores one file; a string is written as UTF-8. Writing a path twice is a bug. */
  write(path: string, content: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<void>;
}

/** Files of a stored artifact. Every byte that is read has been verified against its digest. */
export interface ArtifactReader {
  /** All paths, sorted by code unit. */
  readonly paths: readonly string[];
  has(path: string): boolean;
  read(path: string): Promise<Uint8Array>;
  readText(path: string): Promise<string>;
  stream(path: string): AsyncIterable<Uint8Array>;
}

/**
 * How values of one type are stored as files. `format` is part of every key that reads or writes the type: raise it
 * when the files' meaning changes. With `hasParts`, files below a top-level folder `<part>/` belong to the part of
 * that name (a dataset's splits), and a reader may be given only some parts; files at the top belong to all parts.
 */
export interface ArtifactType<T> {
  readonly name: string;
  readonly format: number;
  readonly hasParts?: boolean;
  write(value: T, files: ArtifactWriter): Promise<void>;
  read(files: ArtifactReader): Promise<T>;
}

/** The value that an artifact type stores. */
export type ValueOf<A> = A extends ArtifactType<infer T> ? T : never;

/** Stands for every type, at ports that take any: the value is the stored files themselves. */
export const anyArtifact: ArtifactType<ArtifactReader> = {
  name: "any artifact",
  format: 1,
  write: async () => {
    throw new Error("internal: no stage gives an artifact of any type");
  },
  read: async (files) => files,
};

/** An artifact as it lies in the blob store; the digest of its canonical JSON is the artifact's digest. */
export interface ArtifactTree {
  readonly type: string;
  readonly format: number;
  readonly files: Readonly<Record<string, { readonly digest: Digest; readonly bytes: number }>>;
}

/** The tree with only the files of some parts, and those at the top that belong to all. */
export function narrowTree(tree: ArtifactTree, parts: readonly string[]): ArtifactTree {
  const keeps = (path: string) =>
    !path.includes("/") || parts.includes(path.slice(0, path.indexOf("/")));
  return {
    ...tree,
    files: Object.fromEntries(Object.entries(tree.files).filter(([path]) => keeps(path))),
  };
}

/** The tree with only one file, or only the files below one folder. */
export function narrowToPath(tree: ArtifactTree, wanted: string): ArtifactTree {
  const keeps = (path: string) => path === wanted || path.startsWith(`${wanted}/`);
  return {
    ...tree,
    files: Object.fromEntries(Object.entries(tree.files).filter(([path]) => keeps(path))),
  };
}

/** Names of the parts that a tree holds, sorted by code unit. */
export function partsOf(tree: ArtifactTree): readonly string[] {
  const folders = Object.keys(tree.files).filter((path) => path.includes("/"));
  return [...new Set(folders.map((path) => path.slice(0, path.indexOf("/"))))].sort();
}
