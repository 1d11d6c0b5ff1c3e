import { spawnSync } from "node:child_process";
import {
  appendFile,
  chmod,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { generator } from "./case-data.ts";

/** A whole number from 0 on, below a limit. */
export type Random = (below: number) => number;

/** Numbers from a seed. */
export function randomFrom(seed: number): Random {
  const next = generator(seed);
  return (below) => Math.floor(next() * below);
}

/** Damages the first of two files, or both. */
export type Mutation = (paths: readonly [string, string], random: Random) => Promise<void>;

async function rewrite(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const bytes = change(await readFile(path));
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

/** What disks, people and programs do to files. */
export const mutations: Readonly<Record<string, Mutation>> = {
  "flips a bit": ([path], random) =>
    rewrite(path, (bytes) => {
      const at = random(bytes.length);
      bytes[at]! ^= 1 << random(8);
      return bytes;
    }),
  "empties it": ([path]) => rewrite(path, () => Buffer.alloc(0)),
  "halves it": ([path]) => rewrite(path, (bytes) => bytes.subarray(0, bytes.length >> 1)),
  "adds a byte": async ([path]) => {
    await chmod(path, 0o644);
    await appendFile(path, "\n");
  },
  "removes it": ([path]) => rm(path),
  "puts another in its place": async ([path, other]) => {
    const bytes = await readFile(other);
    await rewrite(path, () => bytes);
  },
  "swaps two": async ([path, other]) => {
    await rename(path, `${path}.aside`);
    await rename(other, path);
    await rename(`${path}.aside`, other);
  },
  "puts a folder there": async ([path]) => {
    await rm(path);
    await mkdir(path);
  },
  "puts a link to another there": async ([path, other]) => {
    await rm(path);
    await symlink(other, path);
  },
  ...(process.platform !== "win32" && {
    // To open one waits until somebody writes into it.
    "puts a pipe there": async ([path]: readonly [string, string]) => {
      await rm(path);
      if (spawnSync("mkfifo", [path]).status !== 0) throw new Error("mkfifo failed");
    },
  }),
};

/** Two different ones of these paths. */
export function pickTwo(paths: readonly string[], random: Random): readonly [string, string] {
  const first = random(paths.length);
  const second = (first + 1 + random(paths.length - 1)) % paths.length;
  return [paths[first]!, paths[second]!];
}
