import { canonicalJson } from "./canonical-json.ts";
import type { LockedSource, LockedStage, Lockfile } from "./lockfile.ts";
import { formatLockfile } from "./lockfile-text.ts";
import type { Json } from "./stage.ts";

/** A merged lockfile's text, and what both sides changed: there the text holds conflict markers. */
export interface MergedLockfile {
  readonly text: string;
  /** `stages.train`, `sources.data.csv`, sorted. */
  readonly conflicts: readonly string[];
}

/** What follows the markers of a conflict. */
export interface SideNames {
  readonly ours: string;
  readonly theirs: string;
}

/**
 * Merges two lockfiles that come from one, stage by stage and source by source: an entry that one side changed, added
 * or removed is taken from it. Entries are facts about one run and are never mixed: where both sides changed one in
 * different ways, it is a conflict.
 */
export function mergeLockfiles(
  base: Lockfile | undefined,
  ours: Lockfile,
  theirs: Lockfile,
  names: SideNames = { ours: "ours", theirs: "theirs" },
): MergedLockfile {
  const conflicts: Conflict[] = [];
  const sectionOf = (section: "sources" | "stages") =>
    mergeSection(section, base?.[section] ?? {}, ours[section], theirs[section], conflicts);
  const merged = {
    lockfile_version: ours.lockfile_version,
    tunesmith: changedSide(base?.tunesmith, ours.tunesmith, theirs.tunesmith),
    pipeline: changedSide(base?.pipeline, ours.pipeline, theirs.pipeline),
    sources: sectionOf("sources"),
    stages: sectionOf("stages"),
  };
  const text = conflicts.reduce(
    (written, conflict, index) => writeOut(written, placeholderOf(index), conflict, names),
    formatLockfile(merged),
  );
  return { text, conflicts: conflicts.map(({ section, name }) => `${section}.${name}`).sort() };
}

type Entry = LockedSource | LockedStage | undefined;
type Entries = Readonly<Record<string, Entry>>;

interface Conflict {
  readonly section: "sources" | "stages";
  readonly name: string;
  readonly ours: Entry;
  readonly theirs: Entry;
}

function mergeSection(
  section: Conflict["section"],
  base: Entries,
  ours: Entries,
  theirs: Entries,
  conflicts: Conflict[],
): { readonly [name: string]: Json } {
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  const merged: Record<string, Json> = {};
  for (const name of names) {
    const [before, mine, other] = [own(base, name), own(ours, name), own(theirs, name)];
    const isConflict = !isEqual(mine, other) && !isEqual(before, mine) && !isEqual(before, other);
    const entry = changedSide(before, mine, other);
    if (isConflict) {
      merged[name] = placeholderOf(conflicts.length);
      conflicts.push({ section, name, ours: mine, theirs: other });
    } else if (entry !== undefined) merged[name] = entry as unknown as Json;
  }
  return merged;
}

/** The side that differs from the base; ours where both do. */
function changedSide<T extends Entry | string>(base: T | undefined, ours: T, theirs: T): T {
  return isEqual(base, ours) ? theirs : ours;
}

function own(entries: Entries, name: string): Entry {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

function isEqual(a: Entry | string, b: Entry | string): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);
}

/** An entry is a map: no text stands where this one does. */
function placeholderOf(index: number): string {
  return `\u0000${index}`;
}

/** Puts both sides of a conflict where its placeholder stands. */
function writeOut(
  text: string,
  placeholder: string,
  conflict: Conflict,
  { ours, theirs }: SideNames,
): string {
  const { section, name } = conflict;
  const withEntry = (entry: Json) => linesOf({ [section]: { [name]: entry } });
  const side = (entry: Entry) =>
    entry === undefined ? [] : withEntry(entry as unknown as Json).slice(1);
  const lines = text.split("\n");
  const end = `: ${JSON.stringify(placeholder)}`;
  const at = lines.findIndex((line) => /^ {2}\S/.test(line) && line.endsWith(end));
  const both = [
    `<<<<<<< ${ours}`,
    ...side(conflict.ours),
    "=======",
    ...side(conflict.theirs),
    `>>>>>>> ${theirs}`,
  ];
  return [...lines.slice(0, at), ...both, ...lines.slice(at + 1)].join("\n");
}

function linesOf(value: { readonly [key: string]: Json }): readonly string[] {
  const text = formatLockfile(value);
  return text.slice(text.indexOf("\n\n") + 2, -1).split("\n");
}
