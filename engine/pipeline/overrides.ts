import { didYouMean } from "./did-you-mean.ts";
import { parse } from "./parse.ts";
import { listNames, quote, type Report } from "./report.ts";
import {
  listOf,
  type MapNode,
  mapOf,
  type Place,
  type SourceNode,
  valueAt,
} from "./source-node.ts";
import { decodeSource, hasOnlyText } from "./source-text.ts";

const RESERVED = new Set(["__proto__", "constructor", "prototype"]);

/**
 * The file with values from the command line put in: `stages.train.with.learning_rate=3e-5`. Values are YAML. Keys
 * that are not in the file are added, stages and list items are not. Errors point into the override.
 */
export function applyOverrides(
  root: MapNode,
  overrides: readonly string[],
  report: Report,
): MapNode {
  let result = root;
  for (const text of overrides) result = applyOverride(result, text, report);
  return result;
}

/**
 * The file with the values of settings files put in: maps from paths to values, `stages.train.seed: 1`. As with
 * overrides, what is not in the file is added, stages and list items are not. Errors point into the settings file.
 */
export function applySettings(
  root: MapNode,
  settings: readonly { readonly shown: string; readonly bytes: Uint8Array }[],
  report: Report,
): MapNode {
  let result = root;
  for (const { shown, bytes } of settings) {
    const source = decodeSource(shown, bytes, report);
    const map = source && parse(source, report);
    if (map === undefined || map.kind === "unknown") continue;
    if (map.kind !== "map") {
      const message = "A file of settings is a map from paths to values.";
      const hint = "write lines such as stages.train.with.learning_rate: 3e-5";
      report({ code: "not-a-map", message, place: map.place, hint });
      continue;
    }
    for (const { key, keyPlace, value } of map.entries.values()) {
      const target = { path: key.split("."), value, place: keyPlace, report };
      const replaced = isPath(target.path) ? replaceAt(result, 0, target) : undefined;
      if (replaced?.kind === "map") result = replaced;
      if (!isPath(target.path)) reportInvalid(key, keyPlace, report);
    }
  }
  return result;
}

function isPath(path: readonly string[]): boolean {
  return path.every((segment) => segment.trim() !== "" && !RESERVED.has(segment));
}

function reportInvalid(text: string, place: Place, report: Report): void {
  const message = `${quote(text)} is no setting.`;
  const hint = "write PATH=VALUE: stages.train.with.learning_rate=3e-5";
  report({ code: "invalid-override", message, hint, place });
}

function applyOverride(root: MapNode, text: string, report: Report): MapNode {
  const file = { path: "--set", text };
  const end = text.indexOf("=");
  const path = text.slice(0, Math.max(0, end)).split(".");
  if (end < 1 || !isPath(path)) {
    reportInvalid(text, { file, range: { start: 0, end: text.length } }, report);
    return root;
  }
  if (!hasOnlyText(file, report)) return root;
  const value = parse(file, report, end + 1);
  if (value === undefined) return root;
  const target = { path, value, place: { file, range: { start: 0, end } }, report };
  const replaced = replaceAt(root, 0, target);
  return replaced?.kind === "map" ? replaced : root;
}

interface Target {
  readonly path: readonly string[];
  readonly value: SourceNode;
  readonly place: Place;
  readonly report: Report;
}

/** The node with the target's value at the rest of its path; undefined after an error was reported. */
function replaceAt(node: SourceNode, depth: number, target: Target): SourceNode | undefined {
  const segment = target.path[depth];
  if (segment === undefined) return target.value;
  if (node.kind === "list") return replaceItem(node.items, node.place, depth, target);
  if (node.kind !== "map") {
    const parent = target.path.slice(0, depth).join(".");
    const message = `"${parent}" is neither a list nor a map: ${quote(segment)} cannot be set in it.`;
    target.report({ code: "invalid-override", message, place: target.place });
    return undefined;
  }
  const existing = valueAt(node, segment);
  if (existing === undefined && depth === 1 && target.path[0] === "stages") {
    const names = [...node.entries.keys()];
    const message = `There is no stage ${quote(segment)} to set something in.`;
    const hint = didYouMean(segment, names, `stages: ${listNames(names)}`);
    target.report({ code: "invalid-override", message, place: target.place, hint });
    return undefined;
  }
  const isBare = existing === undefined || (existing.kind === "scalar" && existing.value === null);
  const value = replaceAt(isBare ? mapOf([], target.place) : existing, depth + 1, target);
  if (value === undefined) return undefined;
  const keyPlace = node.entries.get(segment)?.keyPlace ?? target.place;
  const entries = new Map(node.entries).set(segment, { key: segment, keyPlace, value });
  return mapOf(entries.values(), node.place);
}

function replaceItem(
  items: readonly SourceNode[],
  place: Place,
  depth: number,
  target: Target,
): SourceNode | undefined {
  const index = Number(target.path[depth]);
  const item = items[index];
  if (item === undefined) {
    const parent = target.path.slice(0, depth).join(".");
    const message = `"${parent}" has no item ${quote(target.path[depth] ?? "")}.`;
    const hint =
      items.length === 0 ? "the list is empty" : `items are numbered from 0 to ${items.length - 1}`;
    target.report({ code: "invalid-override", message, place: target.place, hint });
    return undefined;
  }
  const value = replaceAt(item, depth + 1, target);
  return value && listOf(items.with(index, value), place);
}
