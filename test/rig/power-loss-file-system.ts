import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { type FileSystem, nodeFileSystem, type OpenFile } from "../../cache/file-system.ts";

/** A file's bytes as written, and as they were when last synced. */
interface FileNode {
  live: Buffer;
  synced: Buffer;
}

/** A folder's names as they are, and as they were when it was last synced. */
interface FolderNode {
  readonly live: Map<string, FileNode | FolderNode>;
  synced: Map<string, FileNode | FolderNode>;
}

/** What a power cut may leave of what was not synced. */
export type LossPattern = "lost" | "hollow" | "torn";

/** What the disk may hold after a power cut: relative path to bytes, or to a folder. */
export type Disk = ReadonlyMap<string, Buffer | "folder">;

/**
 * What a file system guarantees, and no more: a file's bytes are on the disk after its `sync`,
 * names in a folder after its `syncFolder`. Works on real files below `root` and keeps, after each
 * call that changes something, three disks that a power cut at that moment may leave: `lost`, where
 * nothing unsynced survived; `hollow`, where all names survived but unsynced bytes did not; `torn`,
 * where the names of every other folder survived, and of unsynced bytes every other page.
 */
export function powerLossFileSystem(root: string) {
  const top = newFolder();
  const cuts: ({ readonly call: string } & Readonly<Record<LossPattern, Disk>>)[] = [];

  const namesOf = (path: string) =>
    relative(root, path)
      .split(sep)
      .filter((name) => name !== "");
  const nodeAt = (path: string) =>
    namesOf(path).reduce<FileNode | FolderNode | undefined>(child, top);
  const folderOf = (path: string) => nodeAt(dirname(path)) as FolderNode;
  const snapshot = (call: string) =>
    cuts.push({
      call,
      lost: diskOf(top, { namesIn: ({ synced }) => synced, bytesOf: ({ synced }) => synced }),
      hollow: diskOf(top, { namesIn: ({ live }) => live, bytesOf: ({ synced }) => synced }),
      torn: diskOf(top, { namesIn: everyOther, bytesOf: tornBytes }),
    });
  const move = (from: string, to: string) => {
    const node = nodeAt(from)!;
    folderOf(from).live.delete(basename(from));
    folderOf(to).live.set(basename(to), node);
    snapshot("rename");
  };
  const remove = (call: string, path: string) => {
    folderOf(path).live.delete(basename(path));
    snapshot(call);
  };
  const create = (path: string, bytes = Buffer.alloc(0)) => {
    const content = { live: bytes, synced: Buffer.alloc(0) };
    folderOf(path).live.set(basename(path), content);
    snapshot("create");
    return content;
  };
  const watched = (file: OpenFile, content: FileNode): OpenFile => ({
    ...file,
    async write(bytes) {
      await file.write(bytes);
      content.live = Buffer.concat([content.live, bytes]);
      snapshot("write");
    },
    async sync() {
      await file.sync();
      content.synced = content.live;
      snapshot("sync");
    },
  });
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async open(path, how, mode) {
      const file = await nodeFileSystem.open(path, how, mode);
      const known = nodeAt(path);
      const content = how === "read" || known ? known : create(path);
      return content === undefined || !isFile(content) ? file : watched(file, content);
    },
    async copy(from, to) {
      await nodeFileSystem.copy(from, to);
      create(to, Buffer.from(nodeFileSystem.readFileSync(to)));
    },
    async rename(from, to) {
      await nodeFileSystem.rename(from, to);
      move(from, to);
    },
    renameSync(from, to) {
      nodeFileSystem.renameSync(from, to);
      move(from, to);
    },
    async unlink(path) {
      await nodeFileSystem.unlink(path);
      remove("unlink", path);
    },
    async rmdir(path) {
      await nodeFileSystem.rmdir(path);
      remove("rmdir", path);
    },
    async mkdir(path) {
      await nodeFileSystem.mkdir(path);
      let folder = top;
      for (const name of namesOf(path)) {
        if (!folder.live.has(name)) folder.live.set(name, newFolder());
        folder = folder.live.get(name) as FolderNode;
      }
      snapshot("mkdir");
    },
    async syncFolder(path) {
      await nodeFileSystem.syncFolder(path);
      const folder = nodeAt(path) as FolderNode | undefined;
      if (folder !== undefined) folder.synced = new Map(folder.live);
      snapshot("syncFolder");
    },
  };
  return { fileSystem, cuts };
}

function newFolder(): FolderNode {
  return { live: new Map(), synced: new Map() };
}

function isFile(node: FileNode | FolderNode): node is FileNode {
  return Buffer.isBuffer(node.live);
}

function child(node: FileNode | FolderNode | undefined, name: string) {
  return node === undefined || isFile(node) ? undefined : node.live.get(name);
}

const pageBytes = 4096;

/** Unsynced bytes of which every other page, counted from the second, is on the disk. */
function tornBytes({ live, synced }: FileNode): Buffer {
  if (live.equals(synced)) return synced;
  const torn = Buffer.from(live);
  for (let at = 0; at < torn.byteLength; at += 2 * pageBytes)
    torn.fill(0, at, Math.min(at + pageBytes, torn.byteLength));
  return torn;
}

/** The names of some folders as they are, of the others as last synced. */
function everyOther({ live, synced }: FolderNode, path: string): FolderNode["live"] {
  return (path || ".").length % 2 === 0 ? live : synced;
}

interface Survival {
  namesIn(folder: FolderNode, path: string): FolderNode["live"];
  bytesOf(file: FileNode): Buffer;
}

/** What is on the disk, each folder before what it holds. */
function diskOf(top: FolderNode, { namesIn, bytesOf }: Survival): Disk {
  const disk = new Map<string, Buffer | "folder">();
  const walk = (folder: FolderNode, path: string) => {
    for (const [name, node] of namesIn(folder, path)) {
      const below = path === "" ? name : `${path}/${name}`;
      disk.set(below, isFile(node) ? bytesOf(node) : "folder");
      if (!isFile(node)) walk(node, below);
    }
  };
  walk(top, "");
  return disk;
}

/** Makes a folder that holds what a disk does. */
export function layOut(disk: Disk, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, what] of disk) {
    if (what === "folder") mkdirSync(join(folder, name));
    else writeFileSync(join(folder, name), what);
  }
}
