import type { Range, SourceText } from "../diagnostic.ts";
import type { Json, ParamPath } from "../stage.ts";

/** Where something stands: a range of a text. */
export interface Place {
  readonly file: SourceText;
  readonly range: Range;
}

/** What a YAML scalar can be. */
export type Scalar = null | boolean | number | string;

interface Placed {
  readonly place: Place;
  /** Number of values in the tree below, this one included, aliases counted as often as they are used. */
  readonly size: number;
  /** The reference that the value came from: `${vars.model}`. Its place is then that of the reference. */
  readonly via?: string;
}

/** A single value, and the characters it was written with. */
export interface ScalarNode extends Placed {
  readonly kind: "scalar";
  readonly value: Scalar;
  readonly text: string;
  /** `environment`: the value of an environment variable, which is text unless a number or boolean is wanted. */
  readonly style: "plain" | "quoted" | "environment";
}

/** A sequence. */
export interface ListNode extends Placed {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
}

/** One `key: value` of a map. */
export interface Entry {
  readonly key: string;
  readonly keyPlace: Place;
  readonly value: SourceNode;
}

/** A mapping, in the order of the file. */
export interface MapNode extends Placed {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A value that could not be found out. Its error is reported already: nothing more is said about it. */
export interface UnknownNode extends Placed {
  readonly kind: "unknown";
}

/** A value of the pipeline file with its place. */
export type SourceNode = ScalarNode | ListNode | MapNode | UnknownNode;

/** The value under a key, if the node is a map that has it. */
export function valueAt(node: SourceNode, key: string): SourceNode | undefined {
  return node.kind === "map" ? node.entries.get(key)?.value : undefined;
}

/** The nodes that a path goes through, from the root on, with the place of the key that led to each. */
export function walk(root: SourceNode, path: ParamPath): { node: SourceNode; keyPlace?: Place }[] {
  const steps: { node: SourceNode; keyPlace?: Place }[] = [{ node: root }];
  let node = root;
  for (const segment of path) {
    const entry = node.kind === "map" ? node.entries.get(String(segment)) : undefined;
    const next = node.kind === "list" ? node.items[Number(segment)] : entry?.value;
    if (next === undefined) break;
    steps.push(entry === undefined ? { node: next } : { node: next, keyPlace: entry.keyPlace });
    node = next;
  }
  return steps;
}

/** The deepest node on a path that the file has: the value itself, or what it would have stood in. */
export function nodeAt(root: SourceNode, path: ParamPath): SourceNode {
  return walk(root, path).at(-1)?.node ?? root;
}

/** The node's value as fresh JSON; what is unknown becomes null. */
export function jsonOf(node: SourceNode): Json {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(jsonOf);
    case "map":
      return Object.fromEntries(
        [...node.entries].map(([key, entry]) => [key, jsonOf(entry.value)]),
      );
    case "unknown":
      return null;
  }
}

/** Whether a value, or one in it, has an error that is reported already. */
export function hasUnknown(node: SourceNode): boolean {
  if (node.kind === "list") return node.items.some(hasUnknown);
  if (node.kind === "map") return [...node.entries.values()].some(({ value }) => hasUnknown(value));
  return node.kind === "unknown";
}

/** A list node, its size counted. */
export function listOf(items: readonly SourceNode[], place: Place): ListNode {
  return { kind: "list", items, place, size: items.reduce((sum, item) => sum + item.size, 1) };
}

/** A map node, its size counted. */
export function mapOf(entries: Iterable<Entry>, place: Place): MapNode {
  const byKey = new Map<string, Entry>();
  let size = 1;
  for (const entry of entries) {
    byKey.set(entry.key, entry);
    size += entry.value.size;
  }
  return { kind: "map", entries: byKey, place, size };
}

/** A value about which an error has been reported. */
export function unknownAt(place: Place): UnknownNode {
  return { kind: "unknown", place, size: 1 };
}
