import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import type { Range, SourceText } from "../diagnostic.ts";
import { quote, type Report } from "./report.ts";
import {
  type Entry,
  listOf,
  mapOf,
  type Scalar,
  type SourceNode,
  unknownAt,
} from "./source-node.ts";

const RESERVED_KEYS = new Set(["__proto__", "constructor", "prototype"]);
const STANDARD_TAG = /^(tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)|!)$/;
/** NUL and halves of characters: a quick test that finds whole characters, too. */
const UNUSUAL = /[\0\ud800-\udfff]/;
const LEADING_ZERO = /^[-+]?0[0-9]+$/;

interface Conversion {
  readonly file: SourceText;
  readonly maxValues: number;
  readonly report: Report;
  readonly anchors: Map<string, SourceNode>;
  /** Values seen so far, each alias counted with all that it stands for. */
  values: number;
  isTooLarge: boolean;
}

/**
 * A `yaml` document as nodes with places: keys are unique strings, aliases are followed. Reports what YAML allows but
 * a pipeline file does not: other tags, merge keys, keys that are no text, names that JavaScript reserves.
 */
export function convertDocument(
  document: Document.Parsed,
  { file, maxValues }: { readonly file: SourceText; readonly maxValues: number },
  report: Report,
): SourceNode | undefined {
  const { version, explicit } = document.directives.yaml;
  if (explicit === true && version !== "1.2") {
    const start = Math.max(0, file.text.indexOf("%YAML"));
    const message = `Pipeline files are YAML 1.2, not ${version}.`;
    const place = { file, range: { start, end: start + 9 } };
    report({ code: "yaml-version", message, place, hint: "delete this line" });
    return undefined;
  }
  const conversion = { file, maxValues, report, anchors: new Map(), values: 0, isTooLarge: false };
  const root = convert(document.contents, conversion, { start: 0, end: 0 });
  return conversion.isTooLarge ? undefined : root;
}

function convert(node: Node | null, conversion: Conversion, outer: Range): SourceNode {
  const range = rangeOf(node, outer);
  const place = { file: conversion.file, range };
  if (node === null)
    return { kind: "scalar", value: null, text: "", style: "plain", place, size: 1 };
  if (isAlias(node)) return follow(node.source, conversion, range);
  conversion.values += 1;
  if (node.tag !== undefined && !STANDARD_TAG.test(node.tag))
    return refuseTag(node.tag, conversion, range);
  const converted = convertContent(node, conversion, range);
  if ("anchor" in node && typeof node.anchor === "string")
    conversion.anchors.set(node.anchor, converted);
  return converted;
}

function convertContent(node: Node, conversion: Conversion, range: Range): SourceNode {
  const place = { file: conversion.file, range };
  if (isSeq(node)) {
    return listOf(
      node.items.map((item) => convert(item as Node | null, conversion, range)),
      place,
    );
  }
  if (isMap(node)) {
    const entries = convertEntries(node, conversion, range);
    return entries === undefined ? unknownAt(place) : mapOf(entries, place);
  }
  if (!isScalar(node)) throw new Error("internal: yaml gave a node of an unknown kind");
  const isPlain = node.type === "PLAIN" || node.type === undefined;
  const text = isPlain ? (node.source ?? "") : String(node.value);
  checkScalar(text, isPlain, conversion, range);
  const style = isPlain ? "plain" : "quoted";
  return { kind: "scalar", value: node.value as Scalar, text, style, place, size: 1 };
}

/** The map's entries; undefined when what is in it cannot be told. */
function convertEntries(map: YAMLMap, conversion: Conversion, range: Range): Entry[] | undefined {
  let isClear = true;
  const entries = new Map<string, Entry>();
  for (const pair of map.items as Pair<Node, Node | null>[]) {
    const keyPlace = { file: conversion.file, range: rangeOfKey(pair.key, range) };
    const value = convert(pair.value, conversion, keyPlace.range);
    const key = keyOf(pair.key);
    const problem =
      key === undefined ? NOT_A_KEY : problemWithKey(key, entries, keyPlace.file.text);
    if (problem !== undefined) conversion.report({ ...problem, place: keyPlace });
    else if (key !== undefined) entries.set(key, { key, keyPlace, value });
    isClear &&= key !== undefined && key !== "<<";
  }
  // Only what is refused stood in it: that it is empty is no error of its own.
  if (entries.size === 0 && map.items.length > 0) return undefined;
  return isClear ? [...entries.values()] : undefined;
}

const NOT_A_KEY = {
  code: "invalid-key",
  message: "A list or a map stands here in the place of a key.",
  hint: 'a text that starts with "{" or "[" needs quotes; a reference is written "${vars.name}"',
};

function keyOf(key: Node | null): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? "");
}

function problemWithKey(key: string, entries: ReadonlyMap<string, Entry>, text: string) {
  if (key === "") return { code: "invalid-key", message: "A key is missing before the colon." };
  if (key === "<<") {
    const hint = 'put what is shared under "vars" and refer to it: with: "${vars.name}"';
    return { code: "merge-key", message: 'Merge keys ("<<") are not part of YAML 1.2.', hint };
  }
  if (RESERVED_KEYS.has(key)) {
    return {
      code: "reserved-key",
      message: `The key "${key}" is reserved.`,
      hint: "choose another name",
    };
  }
  const earlier = entries.get(key);
  if (earlier === undefined) return undefined;
  const line = text.slice(0, earlier.keyPlace.range.start).split("\n").length;
  const message = `The key ${quote(key)} stands here a second time; the first is in line ${line}.`;
  return { code: "duplicate-key", message, hint: "rename or delete one of them" };
}

/** What an alias stands for. Only complete nodes are known, so that a node can never contain itself. */
function follow(anchor: string, conversion: Conversion, range: Range): SourceNode {
  const place = { file: conversion.file, range };
  const target = conversion.anchors.get(anchor);
  if (target === undefined) {
    const message = `There is no anchor "&${anchor}" above this alias.`;
    const hint = `a text that starts with "*" needs quotes: "*${anchor}"`;
    conversion.report({ code: "unknown-alias", message, place, hint });
    return unknownAt(place);
  }
  conversion.values += target.size;
  if (conversion.values <= conversion.maxValues) return { ...target, place };
  if (!conversion.isTooLarge) {
    const message = `With all aliases written out, the file has more than ${conversion.maxValues} values.`;
    conversion.report({ code: "too-many-values", message, place, hint: "use fewer aliases" });
  }
  conversion.isTooLarge = true;
  return unknownAt(place);
}

function refuseTag(tag: string, conversion: Conversion, range: Range): SourceNode {
  const place = { file: conversion.file, range };
  const shown = tag.replace("tag:yaml.org,2002:", "!!");
  const message = `The tag "${shown}" is not supported.`;
  const hint = 'delete it; a text that starts with "!" needs quotes';
  conversion.report({ code: "unknown-tag", message, place, hint });
  return unknownAt(place);
}

function checkScalar(text: string, isPlain: boolean, conversion: Conversion, range: Range): void {
  const place = { file: conversion.file, range };
  if (isPlain && LEADING_ZERO.test(text)) {
    const message = `YAML reads ${text} as the number ${Number(text)}.`;
    const hint = `write ${Number(text)} for the number, "${text}" for the text`;
    conversion.report({ code: "ambiguous-number", message, place, hint });
  }
  if (UNUSUAL.test(text) && /\0|\p{Surrogate}/u.test(text)) {
    const message = "The text holds a NUL or half of a character (a lone surrogate).";
    conversion.report({ code: "invalid-text", message, place, hint: "delete that escape" });
  }
}

/** Of a missing key, the colon. */
function rangeOfKey(key: Node | null, outer: Range): Range {
  const start = key?.range?.[0];
  const isEmpty = start !== undefined && key?.range?.[1] === start;
  return isEmpty ? { start, end: start + 1 } : rangeOf(key, outer);
}

/** Start to end of the value; of an empty value, what it belongs to. */
function rangeOf(node: Node | null, outer: Range): Range {
  const range = node?.range;
  if (range === undefined || range === null || range[1] <= range[0]) return outer;
  return { start: range[0], end: range[1] };
}
