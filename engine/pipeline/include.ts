import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { parse } from "./parse.ts";
import { findProjectFolder, leavesProject } from "./project-folder.ts";
import { listNames, quote, type Report } from "./report.ts";
import { type Entry, type MapNode, mapOf, type ScalarNode, valueAt } from "./source-node.ts";
import { decodeSource } from "./source-text.ts";

/** The file that includes: its absolute path, and as the user wrote it. */
export interface Includer {
  readonly path: string;
  readonly shown: string;
}

/** What a fragment may hold, and what of it is merged by name. */
const SECTIONS = ["vars", "stages", "templates"] as const;

/**
 * The file with the variables, stages and templates of the fragments that it includes. Its own variables come before
 * theirs; a stage or template of one name in two files is an error. Errors in a fragment point into it.
 */
export async function includeFragments(
  root: MapNode,
  includer: Includer,
  report: Report,
): Promise<MapNode> {
  let result = root;
  for (const name of namesIn(root)) {
    const fragment = await readFragment(name, root, includer, report);
    if (fragment !== undefined) result = mergeFragment(result, fragment, report);
  }
  return result;
}

function namesIn(root: MapNode): ScalarNode[] {
  const node = valueAt(root, "include");
  const items = node?.kind === "list" ? node.items : node === undefined ? [] : [node];
  return items.flatMap((item) =>
    item.kind === "scalar" && typeof item.value === "string" && item.value !== "" ? [item] : [],
  );
}

async function readFragment(
  name: ScalarNode,
  root: MapNode,
  includer: Includer,
  report: Report,
): Promise<MapNode | undefined> {
  const { text: written, place } = name;
  const path = isAbsolute(written) ? written : join(dirname(includer.path), written);
  const allowed = valueAt(root, "allow_outside");
  if (allowed?.kind !== "scalar" || allowed.value !== true) {
    if (await leavesProject(path, await findProjectFolder(dirname(includer.path)))) {
      const message = `The fragment ${quote(written)} leaves the project's folder.`;
      const hint = 'copy it into the project, or allow it: "allow_outside: true" at the top';
      report({ code: "outside-project", message, place, hint });
      return undefined;
    }
  }
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) {
    const message = `The fragment ${quote(written)} does not exist or cannot be read.`;
    const hint = "paths start from the pipeline file's folder";
    report({ code: "missing-fragment", message, place, hint });
    return undefined;
  }
  const source = decodeSource(join(dirname(includer.shown), written), bytes, report);
  const fragment = source && parse(source, report);
  if (fragment === undefined || fragment.kind === "unknown") return undefined;
  if (fragment.kind === "map") return checkKeys(fragment, report);
  const message = "A fragment is a map with vars, stages or templates.";
  report({ code: "not-a-map", message, place: fragment.place, hint: 'begin with "stages:"' });
  return undefined;
}

function checkKeys(fragment: MapNode, report: Report): MapNode {
  for (const { key, keyPlace } of fragment.entries.values()) {
    if ((SECTIONS as readonly string[]).includes(key)) continue;
    const message = `${quote(key)} is no key of a fragment.`;
    const hint = `known: ${listNames(SECTIONS)}; the rest stands in the pipeline file itself`;
    report({ code: "unknown-key", message, place: keyPlace, hint });
  }
  return fragment;
}

function mergeFragment(root: MapNode, fragment: MapNode, report: Report): MapNode {
  const entries = new Map(root.entries);
  for (const section of SECTIONS) {
    const own = entries.get(section);
    const theirs = fragment.entries.get(section);
    if (theirs === undefined || theirs.value.kind === "unknown") continue;
    if (own === undefined) entries.set(section, theirs);
    else if (own.value.kind === "map" && theirs.value.kind === "map") {
      if (section !== "vars") reportTwice(own.value, theirs.value, section, report);
      entries.set(section, { ...own, value: mergeMaps(theirs.value, own.value) });
    } else if (theirs.value.kind !== "map") {
      const message = `${quote(section)} must be a map.`;
      report({ code: "wrong-value-type", message, place: theirs.value.place });
    }
  }
  return mapOf(entries.values(), root.place);
}

function reportTwice(
  own: MapNode,
  theirs: MapNode,
  section: "stages" | "templates",
  report: Report,
): void {
  for (const { key, keyPlace } of theirs.entries.values()) {
    const first = own.entries.get(key);
    if (first === undefined) continue;
    const what = section === "stages" ? "stage" : "template";
    const message = `There is a ${what} ${quote(key)} in ${first.keyPlace.file.path} already.`;
    report({ code: "defined-twice", message, place: keyPlace, hint: "rename one of them" });
  }
}

/** A map with the keys of both; what `over` says comes before `base`, in maps within them, too. */
export function mergeMaps(base: MapNode, over: MapNode): MapNode {
  const entries = new Map<string, Entry>(base.entries);
  for (const [key, entry] of over.entries) {
    const before = entries.get(key);
    const isDeeper = before?.value.kind === "map" && entry.value.kind === "map";
    const value =
      isDeeper && before.value.kind === "map" && entry.value.kind === "map"
        ? mergeMaps(before.value, entry.value)
        : entry.value;
    entries.set(key, { ...entry, value });
  }
  return mapOf(entries.values(), over.place);
}
