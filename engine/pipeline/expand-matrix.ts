import { didYouMean } from "./did-you-mean.ts";
import { type Combination, MOST_MEMBERS, readMatrix } from "./read-matrix.ts";
import { listNames, quote, type Report } from "./report.ts";
import {
  type Entry,
  type MapNode,
  mapOf,
  type SourceNode,
  unknownAt,
  valueAt,
} from "./source-node.ts";

/** One member of a stage with a matrix. */
export interface Member {
  /** The stage's name in the file. */
  readonly of: string;
  /** The values in the member's name, by axis. */
  readonly values: ReadonlyMap<string, string>;
}

/** A pipeline file in which each stage with a matrix is replaced by its members. */
export interface Expanded {
  readonly root: MapNode;
  /** By the names under which they stand in `stages`. */
  readonly members: ReadonlyMap<string, Member>;
}

/** Puts values in the place of references; those to `matrix.…` stand for the given map's. */
export type Substitute = (node: SourceNode, matrix?: MapNode) => SourceNode;

interface Expansion {
  readonly stages: MapNode;
  readonly substitute: Substitute;
  readonly report: Report;
}

/** The file with all references replaced, and each stage that has a matrix once for every combination of its values. */
export function expandMatrix(root: MapNode, substitute: Substitute, report: Report): Expanded {
  const stages = valueAt(root, "stages");
  const whole = (key: string, node: SourceNode) =>
    key === "stages" ? undefined : substitute(node);
  const members = new Map<string, Member>();
  const entries = [...root.entries.values()].map((entry) => {
    const value = whole(entry.key, entry.value);
    if (value !== undefined) return { ...entry, value };
    if (stages?.kind !== "map") return { ...entry, value: substitute(entry.value) };
    const expansion = { stages, substitute, report };
    const expanded = [...stages.entries.values()].flatMap((stage) =>
      expandStage(stage, members, expansion),
    );
    return { ...entry, value: mapOf(expanded, stages.place) };
  });
  return { root: mapOf(entries, root.place), members };
}

function expandStage(
  stage: Entry,
  members: Map<string, Member>,
  expansion: Expansion,
): readonly Entry[] {
  const { substitute, report } = expansion;
  const body = stage.value;
  if (body.kind !== "map" || !body.entries.has("matrix"))
    return [{ ...stage, value: substitute(body) }];
  const bare = mapOf(
    [...body.entries.values()].filter(({ key }) => key !== "matrix"),
    body.place,
  );
  const names = new Set<string>();
  const combinations = combinationsOf(stage, expansion, []);
  if (combinations.length === 0) return [{ ...stage, value: unknownAt(body.place) }];
  return combinations.flatMap((combination) => {
    const values = new Map([...combination].map(([axis, { value }]) => [axis, nameOfValue(value)]));
    const name = memberName(stage.key, values);
    const place = [...combination.values()].at(-1)?.value.place ?? stage.keyPlace;
    if (names.has(name)) {
      const message = `Stage ${quote(stage.key)}: two members would be called ${quote(name)}.`;
      report({ code: "duplicate-member", message, place, hint: "remove one of them" });
      return [];
    }
    names.add(name);
    members.set(name, { of: stage.key, values });
    const matrix = mapOf(combination.values(), stage.keyPlace);
    return [{ key: name, keyPlace: stage.keyPlace, value: substitute(bare, matrix) }];
  });
}

/** `train[learning_rate=3e-5,seed=1]`. */
export function memberName(stage: string, values: ReadonlyMap<string, string>): string {
  return `${stage}[${[...values].map(([axis, value]) => `${axis}=${value}`).join(",")}]`;
}

/** As it is written, without what cannot stand in a reference or a file's name. */
function nameOfValue(node: SourceNode): string {
  const text = node.kind === "scalar" ? node.text : "";
  return text.replaceAll(/[^\p{L}\p{N}_.+@-]+/gu, "-").slice(0, 60);
}

/** What a stage's matrix says, that of another stage where it names one; undefined after an error was reported. */
function matrixOf(
  stage: Entry,
  expansion: Expansion,
  seen: readonly string[],
): readonly Combination[] {
  const node = expansion.substitute(valueAt(stage.value, "matrix")!);
  const fail = (place: SourceNode["place"], message: string, hint: string) => {
    const text = `Stage ${quote(stage.key)}: ${message}`;
    expansion.report({ code: "invalid-matrix", message: text, place, hint });
    return [];
  };
  if (node.kind === "unknown") return [];
  if (node.kind === "scalar" && typeof node.value === "string" && node.value !== "") {
    const other = expansion.stages.entries.get(node.value);
    const names = [...expansion.stages.entries.values()]
      .filter(({ key, value }) => key !== stage.key && valueAt(value, "matrix") !== undefined)
      .map(({ key }) => key);
    if (seen.includes(node.value)) {
      const ring = [...seen.slice(seen.indexOf(node.value)), stage.key, node.value].join(" -> ");
      return fail(
        node.place,
        `matrices follow each other: ${ring}.`,
        "give one of them lists of values",
      );
    }
    if (other !== undefined && names.includes(node.value))
      return combinationsOf(other, expansion, [...seen, stage.key]);
    const known =
      names.length > 0 ? `stages with a matrix: ${listNames(names)}` : "no stage has one";
    const message = `there is no matrix of a stage ${quote(node.value)} to follow.`;
    return fail(node.place, message, didYouMean(node.value, names, known) ?? known);
  }
  return readMatrix(node, fail);
}

function combinationsOf(
  stage: Entry,
  expansion: Expansion,
  seen: readonly string[],
): readonly Combination[] {
  const combinations = matrixOf(stage, expansion, seen);
  if (combinations.length <= MOST_MEMBERS) return combinations;
  const message = `Stage ${quote(stage.key)}: the matrix has ${combinations.length} members, more than ${MOST_MEMBERS}.`;
  const place = valueAt(stage.value, "matrix")?.place ?? stage.keyPlace;
  expansion.report({ code: "matrix-too-large", message, place, hint: "use fewer values" });
  return [];
}
