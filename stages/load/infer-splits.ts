import { byCodeUnit } from "../by-code-unit.ts";

const KEYWORDS = {
  train: ["train", "training"],
  validation: ["validation", "valid", "dev", "val"],
  test: ["test", "testing", "eval", "evaluation"],
} as const;

/** Between words of a name. */
const SEPARATOR = "[-._ 0-9]";
const SHARD = /^data\/([^/]*)-\d{5}-of-\d{5}[^/]*\.[^/]*$/;

/**
 * The splits of a folder's files by their names, as `datasets` infers them: shards in data/, else folders called
 * train or the like, else files, else all of them are training data. A file may belong to several splits.
 * https://huggingface.co/docs/datasets/repository_structure
 */
export function inferSplits(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const sharded = bySplit(paths, (path) => [SHARD.exec(path)?.[1] ?? []].flat());
  if (sharded.size > 0) return inOrder(sharded);
  for (const namesOf of [foldersOf, fileOf]) {
    const found = bySplit(paths, (path) => splitsNamed(namesOf(path)));
    if (found.size > 0) return inOrder(found);
  }
  return new Map([["train", paths]]);
}

function foldersOf(path: string): readonly string[] {
  return path.split("/").slice(0, -1);
}

/** A keyword in a file's name has something behind it, be it the dot of the extension. */
function fileOf(path: string): readonly string[] {
  const name = path.split("/").at(-1)!;
  return [name.replace(new RegExp(`(${SEPARATOR})[^-._ 0-9]*$`), "$1")];
}

function splitsNamed(names: readonly string[]): readonly string[] {
  return Object.entries(KEYWORDS).flatMap(([split, keywords]) => {
    const word = new RegExp(`(^|${SEPARATOR})(${keywords.join("|")})($|${SEPARATOR})`);
    return names.some((name) => word.test(name)) ? [split] : [];
  });
}

function bySplit(
  paths: readonly string[],
  splitsOf: (path: string) => readonly string[],
): Map<string, string[]> {
  const splits = new Map<string, string[]>();
  for (const path of paths)
    for (const split of splitsOf(path)) splits.set(split, [...(splits.get(split) ?? []), path]);
  return splits;
}

/** train, validation, test, then others by name. */
function inOrder(splits: ReadonlyMap<string, readonly string[]>) {
  const known = Object.keys(KEYWORDS);
  const rank = (split: string) => (known.includes(split) ? known.indexOf(split) : known.length);
  return new Map([...splits].sort(([a], [b]) => rank(a) - rank(b) || byCodeUnit(a, b)));
}
