import { join } from "node:path";
import { CacheError, namingPath } from "./cache-error.ts";
import { type Digest, digestOf } from "./digest.ts";
import { identityOf } from "./file-identity.ts";
import { type FileFacts, type FileSystem, nodeFileSystem } from "./file-system.ts";
import type { KnownFiles } from "./known-files.ts";
import { digestOfFile } from "./pieces.ts";

/** A file's digest and size. */
export interface FileDigest {
  readonly digest: Digest;
  readonly bytes: number;
}

/** A folder's digest, and its files by relative path with `/`, sorted by code unit. */
export interface FolderDigest {
  readonly digest: Digest;
  readonly files: readonly (FileDigest & { readonly path: string })[];
}

/**
 * Digests of users' own files. Reads a file only when its identity (device, inode, size, times of
 * change) is not the one remembered.
 */
export class FileDigests {
  readonly #known: KnownFiles;
  readonly #fileSystem: FileSystem;

  constructor(known: KnownFiles, fileSystem: FileSystem = nodeFileSystem) {
    this.#known = known;
    this.#fileSystem = fileSystem;
  }

  /**
   * The digest of a regular file; links are followed. Throws a CacheError: `file-unusable` for
   * anything else or a file that keeps changing, `cache-io`.
   */
  ofFile(path: string): Promise<FileDigest> {
    return namingPath("read", path, async () => {
      const facts = this.#regularFile(path);
      const digest = this.#known.digestOf(path, facts);
      return digest === undefined ? this.#hash(path) : { digest, bytes: facts.size };
    });
  }

  /**
   * The digest of all files below a folder: of their relative paths and digests, as sorted JSON.
   * Links are followed; empty folders do not count. Paths for which `isSkipped` says so are left
   * out, folders with all they hold.
   */
  async ofFolder(
    folder: string,
    { isSkipped = () => false }: { isSkipped?: (path: string) => boolean } = {},
  ): Promise<FolderDigest> {
    const paths = await namingPath("read", folder, () =>
      this.#pathsBelow(folder, "", [], isSkipped),
    );
    paths.sort();
    const files: (FileDigest & { path: string })[] = [];
    for (const path of paths) files.push({ path, ...(await this.ofFile(join(folder, path))) });
    const digest = digestOf(JSON.stringify(files.map((file) => [file.path, file.digest])));
    return { digest, files };
  }

  #regularFile(path: string): FileFacts {
    const facts = this.#fileSystem.factsSync(path, { followLinks: true });
    if (facts?.kind === "file") return facts;
    const state = facts === undefined ? "does not exist" : "is not a regular file";
    throw new CacheError("file-unusable", `${path} ${state}.`, { hint: "Check the path." });
  }

  async #hash(path: string): Promise<FileDigest> {
    for (let tries = 0; tries < 3; tries++) {
      // Pipes would block when opened, so it is looked at first, each time.
      this.#regularFile(path);
      const file = await this.#fileSystem.openFollowing(path);
      try {
        const before = await file.facts();
        const found = await digestOfFile(file);
        if (identityOf(await file.facts()) !== identityOf(before)) continue;
        this.#known.remember(path, before, found.digest);
        return found;
      } finally {
        await file.close();
      }
    }
    throw new CacheError("file-unusable", `${path} keeps changing while it is read.`, {
      hint: "Wait until whatever writes it has finished, then run again.",
    });
  }

  async #pathsBelow(
    root: string,
    prefix: string,
    above: readonly string[],
    isSkipped: (path: string) => boolean,
  ): Promise<string[]> {
    const here = join(root, prefix);
    const real = await this.#fileSystem.realpath(here);
    if (above.includes(real)) {
      throw new CacheError("file-unusable", `${here} is a link to a folder that contains it.`, {
        hint: "Remove the link, or name the files one by one.",
      });
    }
    const paths: string[] = [];
    for (const { name } of await this.#fileSystem.readdir(here)) {
      const path = prefix === "" ? name : `${prefix}/${name}`;
      if (isSkipped(path)) continue;
      const kind = this.#fileSystem.factsSync(join(root, path), { followLinks: true })?.kind;
      if (kind === "folder") {
        paths.push(...(await this.#pathsBelow(root, path, [...above, real], isSkipped)));
      } else {
        paths.push(path);
      }
    }
    return paths;
  }
}
