import { explainSecret, secretNames } from "./check-secrets.ts";
import {
  explainInvalidReference,
  explainMatrixOutside,
  explainMistake,
  explainUnknownVariable,
} from "./explain-variable.ts";
import { readScalar } from "./read-scalar.ts";
import type { Report } from "./report.ts";
import {
  type ReferenceTarget,
  readReference,
  scanReferences,
  type TextPart,
} from "./scan-references.ts";
import {
  listOf,
  type MapNode,
  mapOf,
  type Place,
  type ScalarNode,
  type SourceNode,
  unknownAt,
  valueAt,
} from "./source-node.ts";

const MAX_CHAIN = 64;
const MAX_VALUES = 50_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface Substitution {
  readonly vars: SourceNode | undefined;
  /** Of the member of a matrix whose values are put in. */
  readonly matrix: SourceNode | undefined;
  readonly environment: Environment;
  /** Names of variables that must not be written out. */
  readonly secrets: ReadonlySet<string>;
  readonly report: Report;
  /** From each node as written to what it stands for. */
  readonly resolved: Map<SourceNode, SourceNode>;
  /** Variables being resolved, outermost first: a variable met again is a cycle. */
  readonly active: { readonly node: SourceNode; readonly name: string }[];
  values: number;
  characters: number;
}

/**
 * Replaces every `${vars.…}` and `${env:…}` in a file's nodes. A value that is one reference takes the variable's value
 * with its type; inside a text, single values are written out. Where a matrix is given, the node belongs to one of its
 * members and `${matrix.…}` is its value; elsewhere that is an error. Errors are reported at the reference.
 */
export function createSubstitution(
  root: MapNode,
  environment: Environment,
  report: Report,
): (node: SourceNode, matrix?: MapNode) => SourceNode {
  const vars = valueAt(root, "vars");
  const secrets = new Set(secretNames(root));
  const fresh = (matrix?: MapNode): Substitution => {
    const resolved = new Map<SourceNode, SourceNode>();
    const counts = { values: 0, characters: 0 };
    return { vars, matrix, environment, secrets, report, resolved, active: [], ...counts };
  };
  const shared = fresh();
  return (node, matrix) => substitute(node, matrix === undefined ? shared : fresh(matrix));
}

function substitute(node: SourceNode, state: Substitution): SourceNode {
  const known = state.resolved.get(node);
  if (known !== undefined) return known;
  const replaced = substituteOnce(node, state);
  state.resolved.set(node, replaced);
  return replaced;
}

function substituteOnce(node: SourceNode, state: Substitution): SourceNode {
  switch (node.kind) {
    case "unknown":
      return node;
    case "scalar":
      return substituteScalar(node, state);
    case "list":
      return listOf(
        node.items.map((item) => substitute(item, state)),
        node.place,
      );
    case "map": {
      const replace = (value: SourceNode) => substitute(value, state);
      const entries = [...node.entries.values()].map((e) => ({ ...e, value: replace(e.value) }));
      return mapOf(entries, node.place);
    }
  }
}

function substituteScalar(node: ScalarNode, state: Substitution): SourceNode {
  if (typeof node.value !== "string" || !node.value.includes("${")) return node;
  const parts = scanReferences(node.value);
  const places = placesOf(parts, node);
  const [first] = parts;
  if (parts.length === 1 && first !== undefined && first.kind !== "text") {
    return resolvePart(first, places[0] ?? node.place, state);
  }
  const texts: string[] = [];
  for (const [i, part] of parts.entries()) {
    const text = textOf(part, places[i] ?? node.place, state);
    if (text !== undefined) texts.push(text);
  }
  if (texts.length < parts.length) return unknownAt(node.place);
  const value = texts.join("");
  state.characters += value.length;
  if (exceedsLimits(state, node.place)) return unknownAt(node.place);
  const via = parts.find((part) => part.kind === "reference")?.written;
  return { ...node, value, text: value, style: "quoted", ...(via !== undefined && { via }) };
}

/** The value that a part of a text is written out as; undefined when an error was reported. */
function textOf(part: TextPart, place: Place, state: Substitution): string | undefined {
  if (part.kind === "text") return part.text;
  const value = resolvePart(part, place, state);
  if (value.kind === "unknown") return undefined;
  if (value.kind === "scalar") return value.text;
  const message = `${part.written} is a ${value.kind}, which cannot stand inside a text.`;
  const hint = "a list or map can only be the whole value";
  state.report({ code: "not-a-text", message, place, hint });
  return undefined;
}

function resolvePart(part: TextPart, place: Place, state: Substitution): SourceNode {
  if (part.kind === "mistake") {
    state.report({ ...explainMistake(part), place });
    return unknownAt(place);
  }
  if (part.kind === "text") throw new Error("internal: a text is no reference");
  const target = readReference(part.body);
  if (target.kind === "invalid") {
    state.report({ ...explainInvalidReference(part, state), place });
    return unknownAt(place);
  }
  if (target.kind === "environment") return readEnvironment(target, part.written, place, state);
  const value = lookUp(target, place, state);
  if (value.kind === "unknown") return unknownAt(place);
  state.values += value.size;
  return exceedsLimits(state, place) ? unknownAt(place) : relocate(value, place, part.written);
}

function readEnvironment(
  { name, fallback }: { readonly name: string; readonly fallback?: string },
  written: string,
  place: Place,
  state: Substitution,
): SourceNode {
  if (state.secrets.has(name)) {
    state.report({ ...explainSecret(name), place });
    return unknownAt(place);
  }
  const set = Object.hasOwn(state.environment, name) ? state.environment[name] : undefined;
  const text = fallback !== undefined && (set === undefined || set === "") ? fallback : set;
  if (text === undefined) {
    const message = `The environment variable ${name} is not set.`;
    const hint = `set it, or give a default: "\${env:${name}:-default}"`;
    state.report({ code: "unset-environment", message, place, hint });
    return unknownAt(place);
  }
  return {
    kind: "scalar",
    value: readScalar(text),
    text,
    style: "environment",
    via: written,
    place,
    size: 1,
  };
}

/** The value of `vars.a.b` or `matrix.a`, its own references replaced. */
function lookUp(
  { space, path }: ReferenceTarget & { readonly kind: "variable" },
  place: Place,
  state: Substitution,
): SourceNode {
  if (space === "matrix" && state.matrix === undefined) {
    state.report({ ...explainMatrixOutside(path), place });
    return unknownAt(place);
  }
  let node = state[space] ?? mapOf([], place);
  let isResolved = false;
  let name: string = space;
  for (const segment of path) {
    if (!isResolved && node.kind === "scalar") {
      node = resolveVariable(node, name, place, state);
      isResolved = true;
    }
    const child = node.kind === "list" ? node.items[Number(segment)] : valueAt(node, segment);
    if (child === undefined) {
      if (node.kind !== "unknown")
        state.report({ ...explainUnknownVariable(path, { name, node }), place });
      return unknownAt(place);
    }
    node = child;
    name = `${name}.${segment}`;
  }
  return isResolved ? node : resolveVariable(node, name, place, state);
}

function resolveVariable(
  node: SourceNode,
  name: string,
  place: Place,
  state: Substitution,
): SourceNode {
  const start = state.active.findIndex((variable) => variable.node === node);
  if (start >= 0 || state.active.length >= MAX_CHAIN) {
    const names = [
      ...state.active.slice(Math.max(0, start)).map((variable) => variable.name),
      name,
    ];
    const chain =
      names.length > 12 ? `${names.slice(0, 6).join(" -> ")} -> … -> ${name}` : names.join(" -> ");
    const message =
      start >= 0
        ? `Variables refer to each other: ${chain}.`
        : `Variables refer to each other over ${MAX_CHAIN} steps.`;
    state.report({
      code: "variable-cycle",
      message,
      place,
      hint: "give one of them a value of its own",
    });
    return unknownAt(place);
  }
  state.active.push({ node, name });
  const value = substitute(node, state);
  state.active.pop();
  return value;
}

/** The value as if it had been written at the reference, so that errors in it point there. */
function relocate(node: SourceNode, place: Place, via: string): SourceNode {
  switch (node.kind) {
    case "list":
      return { ...node, place, via, items: node.items.map((item) => relocate(item, place, via)) };
    case "map": {
      const move = (value: SourceNode) => relocate(value, place, via);
      const entries = [...node.entries.values()].map((e) => ({
        ...e,
        keyPlace: place,
        value: move(e.value),
      }));
      return { ...mapOf(entries, place), via };
    }
    default:
      return { ...node, place, via };
  }
}

function exceedsLimits(state: Substitution, place: Place): boolean {
  if (state.values <= MAX_VALUES && state.characters <= MAX_CHARACTERS) return false;
  if (Number.isFinite(state.values)) {
    const message = `With all variables written out, the file has more than ${MAX_VALUES} values or ${MAX_CHARACTERS} characters.`;
    state.report({ code: "too-many-values", message, place, hint: "refer to fewer variables" });
  }
  state.values = Number.POSITIVE_INFINITY;
  return true;
}

/** Where each part stands in the file; a part that cannot be found in the source gets the whole value's place. */
function placesOf(parts: readonly TextPart[], node: ScalarNode): Place[] {
  const { file, range } = node.place;
  let cursor = range.start;
  return parts.map((part) => {
    const written = part.kind === "text" ? (part.text === "${" ? "$${" : "") : part.written;
    const start = file.text.indexOf(written, cursor);
    if (written === "" || start < 0 || start + written.length > range.end) return node.place;
    cursor = start + written.length;
    return { file, range: { start, end: cursor } };
  });
}
