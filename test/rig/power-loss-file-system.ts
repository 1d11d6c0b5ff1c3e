import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type FileSystem, nodeFileSystem, type OpenFile } from "../../cache/file-system.ts";

/** A file's bytes as written, and as they were when last synced. */
interface Content {
  live: Buffer;
  synced: Buffer;
}

/** Names below a folder: relative path to a file's content, or to a folder. */
type Names = Map<string, Content | "folder">;

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
  const live: Names = new Map();
  const durable: Names = new Map();
  const cuts: ({ readonly call: string } & Readonly<Record<LossPattern, Disk>>)[] = [];

  const nameOf = (path: string) => relative(root, path);
  const snapshot = (call: string) =>
    cuts.push({
      call,
      lost: diskOf(durable),
      hollow: diskOf(live),
      torn: diskOf(mixOf(live, durable), tornBytes),
    });
  const move = (from: string, to: string) => {
    live.set(nameOf(to), live.get(nameOf(from))!);
    live.delete(nameOf(from));
    snapshot("rename");
  };
  const create = (path: string, bytes = Buffer.alloc(0)) => {
    const content = { live: bytes, synced: Buffer.alloc(0) };
    live.set(nameOf(path), content);
    snapshot("create");
    return content;
  };
  const watched = (file: OpenFile, content: Content): OpenFile => ({
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
      const known = live.get(nameOf(path));
      const content = how === "read" || known ? known : create(path);
      return content === undefined || content === "folder" ? file : watched(file, content);
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
      live.delete(nameOf(path));
      snapshot("unlink");
    },
    async rmdir(path) {
      await nodeFileSystem.rmdir(path);
      live.delete(nameOf(path));
      snapshot("rmdir");
    },
    async mkdir(path) {
      await nodeFileSystem.mkdir(path);
      for (let name = nameOf(path); name !== "" && name !== "."; name = dirname(name))
        live.set(name, "folder");
      snapshot("mkdir");
    },
    async syncFolder(path) {
      await nodeFileSystem.syncFolder(path);
      const isIn = (name: string) => join(root, dirname(name)) === join(path);
      for (const name of durable.keys()) if (isIn(name)) durable.delete(name);
      for (const [name, what] of live) if (isIn(name)) durable.set(name, what);
      snapshot("syncFolder");
    },
  };
  return { fileSystem, cuts };
}

const pageBytes = 4096;

/** Unsynced bytes of which every other page, counted from the second, is on the disk. */
function tornBytes({ live, synced }: Content): Buffer {
  if (live.equals(synced)) return synced;
  const torn = Buffer.from(live);
  for (let at = 0; at < torn.byteLength; at += 2 * pageBytes)
    torn.fill(0, at, Math.min(at + pageBytes, torn.byteLength));
  return torn;
}

/** The names of some folders as they are, of the others as last synced. */
function mixOf(live: Names, durable: Names): Names {
  const survives = (name: string) => [...dirname(name)].length % 2 === 0;
  return new Map([
    ...[...durable].filter(([name]) => !survives(name)),
    ...[...live].filter(([name]) => survives(name)),
  ]);
}

/** What of these names is on the disk: names in folders that are not there are not either. */
function diskOf(names: Names, bytesOf = ({ synced }: Content) => synced): Disk {
  const disk = new Map<string, Buffer | "folder">();
  for (const [name, what] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const folder = dirname(name);
    if (folder !== "." && !disk.has(folder)) continue;
    disk.set(name, what === "folder" ? what : bytesOf(what));
  }
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
