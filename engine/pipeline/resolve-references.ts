import type { InputPort, InputPorts, OutputPort } from "../stage.ts";
import type { StageDraft } from "./check-stage.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Reference } from "./pipeline.ts";
import { listNames, quote, type Report } from "./report.ts";
import { type Place, type ScalarNode, type SourceNode, valueAt } from "./source-node.ts";

type AnyInputPort = InputPorts[string];
type AnyOutputPort = OutputPort<InputPort<InputPorts[string]["type"]>["type"]>;

/** One input of a stage, resolved: which artifact of which stage it reads. */
export interface Link {
  readonly port: string;
  readonly input: AnyInputPort;
  readonly from: StageDraft;
  readonly output: string;
  /** The split that the reference names. */
  readonly part?: string;
  readonly written: string;
  readonly place: Place;
}

/** What a stage reads; `isComplete` is false where an error was reported, so that no more can be said. */
export interface Links {
  readonly links: readonly Link[];
  readonly isComplete: boolean;
}

interface Resolution {
  readonly drafts: ReadonlyMap<string, StageDraft>;
  readonly report: Report;
}

/** The links of every stage by name. Reports references that lead nowhere or to an artifact of another type. */
export function resolveReferences(
  drafts: ReadonlyMap<string, StageDraft>,
  report: Report,
): Map<string, Links> {
  const resolution = { drafts, report };
  return new Map([...drafts].map(([name, draft]) => [name, linksOf(draft, resolution)]));
}

function linksOf(draft: StageDraft, resolution: Resolution): Links {
  const node = valueAt(draft.body, "in");
  const { kind } = draft;
  if (kind === undefined) {
    for (const reference of node === undefined ? [] : scalarsIn(node))
      findStage(draft, reference, resolution);
  }
  if (kind === undefined || node?.kind === "unknown" || draft.body.kind !== "map") {
    return { links: [], isComplete: false };
  }
  const ports = Object.entries(kind.inputs as InputPorts);
  const references = referencesIn(
    draft,
    node,
    ports.map(([port]) => port),
    resolution.report,
  );
  if (references === undefined) return { links: [], isComplete: false };
  const links: Link[] = [];
  let isComplete = true;
  for (const [port, reference] of references) {
    const input = ports.find(([name]) => name === port)?.[1];
    const link = input && resolveReference(draft, { port, input, reference }, resolution);
    if (link === undefined) isComplete = false;
    else links.push(link);
  }
  for (const [port, { optional, type }] of ports) {
    if (optional || references.has(port)) continue;
    reportMissingInput(draft, { port, type: type.name, node }, resolution);
    isComplete = false;
  }
  return { links, isComplete };
}

/** The references by input port as written; undefined when `in` has a form that is reported elsewhere. */
function referencesIn(
  draft: StageDraft,
  node: SourceNode | undefined,
  ports: readonly string[],
  report: Report,
): Map<string, SourceNode> | undefined {
  if (node === undefined) return new Map();
  const [first] = ports;
  if (first === undefined) {
    const message = `Stage ${quote(draft.name)} (${draft.kind?.kind}) reads no other stage.`;
    report({ code: "no-inputs", message, place: node.place, hint: 'delete "in"' });
    return undefined;
  }
  if (node.kind === "scalar")
    return typeof node.value === "string" ? new Map([[first, node]]) : undefined;
  if (node.kind !== "map") return undefined;
  const references = new Map<string, SourceNode>();
  for (const { key, keyPlace, value } of node.entries.values()) {
    references.set(key, value);
    if (ports.includes(key)) continue;
    const message = `Stage ${quote(draft.name)} (${draft.kind?.kind}) has no input ${quote(key)}.`;
    const hint = didYouMean(key, ports, `inputs: ${listNames(ports)}`);
    report({ code: "unknown-input", message, place: keyPlace, hint });
  }
  return references;
}

function reportMissingInput(
  draft: StageDraft,
  {
    port,
    type,
    node,
  }: { readonly port: string; readonly type: string; readonly node: SourceNode | undefined },
  { drafts, report }: Resolution,
): void {
  const givers = [...drafts.values()].filter(
    (other) => other !== draft && outputsOf(other).some(([, output]) => output.type.name === type),
  );
  const names = givers.map(({ name }) => name);
  const message = `Stage ${quote(draft.name)} (${draft.kind?.kind}) reads ${type} at "${port}", but nothing is given there.`;
  const hint =
    names.length > 0 ? `add ${port}: ${names.at(-1)} to "in"` : `no stage here gives ${type}`;
  const only = Object.keys(draft.kind?.inputs ?? {}).length === 1 && names.length > 0;
  report({
    code: "missing-input",
    message,
    place: node?.place ?? draft.namePlace,
    hint: only ? `add "in: ${names.at(-1)}"` : hint,
  });
}

interface Wanted {
  readonly port: string;
  readonly input: AnyInputPort;
  readonly reference: SourceNode;
}

function resolveReference(
  draft: StageDraft,
  wanted: Wanted,
  resolution: Resolution,
): Link | undefined {
  const [reference] = scalarsIn(wanted.reference);
  const found = reference && findStage(draft, reference, resolution);
  return (
    found &&
    linkTo(draft, found.from, { ...wanted, reference: found.reference }, found.rest, resolution)
  );
}

/** The texts that name what a stage reads. */
function scalarsIn(node: SourceNode): ScalarNode[] {
  if (node.kind === "map")
    return [...node.entries.values()].flatMap(({ value }) => scalarsIn(value));
  return node.kind === "scalar" && typeof node.value === "string" && node.value !== ""
    ? [node]
    : [];
}

interface FoundStage {
  readonly from: StageDraft;
  readonly reference: ScalarNode;
  /** What follows the stage's name: a port, a split, both or nothing. */
  readonly rest: readonly string[];
}

function findStage(
  draft: StageDraft,
  reference: ScalarNode,
  { report, drafts }: Resolution,
): FoundStage | undefined {
  const { text, place } = reference;
  const segments = text.split(".");
  const [name = "", ...rest] = segments;
  const says = `Stage ${quote(draft.name)} reads ${quote(text)}`;
  if (rest.length > 2 || segments.some((segment) => segment === "" || /\s/.test(segment))) {
    const message = `${says}, which is not the form of a reference.`;
    const hint = "write stage, stage.split, stage.port or stage.port.split";
    report({ code: "invalid-reference", message, place, hint });
    return undefined;
  }
  const from = drafts.get(name);
  if (from === undefined) {
    const others = [...drafts.keys()].filter((other) => other !== draft.name);
    const known = others.length > 0 ? `stages: ${listNames(others)}` : "there is no other stage";
    const hint = didYouMean(name, others, known);
    const message = `${says}, but there is no stage ${quote(name)}.`;
    report({ code: "unknown-stage", message, place, hint });
    return undefined;
  }
  if (from === draft) {
    const message = `Stage ${quote(draft.name)} reads itself.`;
    report({
      code: "self-reference",
      message,
      place,
      hint: "name the stage whose result it should read",
    });
    return undefined;
  }
  return { from, reference, rest };
}

/** The link to an output of a known stage: `rest` is what follows the stage's name, a port, a split or both. */
function linkTo(
  draft: StageDraft,
  from: StageDraft,
  { port, input, reference }: Wanted & { readonly reference: ScalarNode },
  rest: readonly string[],
  resolution: Resolution,
): Link | undefined {
  const outputs = outputsOf(from);
  const [first] = outputs;
  if (from.kind === undefined) return undefined;
  const { place, text: written } = reference;
  const says = `Stage ${quote(draft.name)} reads ${quote(written)}`;
  if (first === undefined) {
    const message = `${says}, but ${quote(from.name)} (${from.kind.kind}) gives nothing to read.`;
    resolution.report({ code: "no-outputs", message, place });
    return undefined;
  }
  const named = outputs.find(([name]) => name === rest[0]);
  const [output, { type }] = named ?? first;
  const part = named === undefined ? rest[0] : rest[1];
  const isPartPossible = part === undefined || type.hasParts === true;
  if (!isPartPossible || (named === undefined && rest.length > 1)) {
    const names = outputs.map(([name]) => name);
    const message = `${says}, but ${quote(from.name)} (${from.kind.kind}) has outputs: ${listNames(names)}.`;
    const hint = didYouMean(rest[0] ?? "", names, `write "${from.name}" for its first output`);
    resolution.report({ code: "unknown-port", message, place, hint });
    return undefined;
  }
  const link = { port, input, from, output, written, place, ...(part !== undefined && { part }) };
  return isTypeRight(draft, link, type.name, resolution) ? link : undefined;
}

function isTypeRight(
  draft: StageDraft,
  link: Link,
  given: string,
  { drafts, report }: Resolution,
): boolean {
  const wanted = link.input.type.name;
  if (given === wanted) return true;
  const message = `Stage ${quote(draft.name)} takes ${wanted} at "${link.port}", but ${quote(link.written)} gives ${given}.`;
  report({
    code: "wrong-type",
    message,
    place: link.place,
    hint: hintForType(draft, link.from, wanted, drafts),
  });
  return false;
}

function hintForType(
  draft: StageDraft,
  from: StageDraft,
  wanted: string,
  drafts: ReadonlyMap<string, StageDraft>,
): string | undefined {
  const own = outputsOf(from).find(([, output]) => output.type.name === wanted);
  if (own !== undefined) return `write "${from.name}.${own[0]}"`;
  const others = [...drafts.values()].filter((other) => other !== draft);
  const givers = others.filter((other) => outputsOf(other)[0]?.[1].type.name === wanted);
  return givers.length > 0
    ? `${wanted} here: ${listNames(givers.map(({ name }) => name))}`
    : undefined;
}

function outputsOf(draft: StageDraft): [string, AnyOutputPort][] {
  return Object.entries((draft.kind?.outputs ?? {}) as Record<string, AnyOutputPort>);
}

/** The reference as the engine reads it: the named split, else those that the input port asks for. */
export function referenceOf({ from, output, part, input }: Link): Reference {
  const declared = input.parts === "one" ? undefined : input.parts;
  const parts = part === undefined ? declared : [part];
  return { stage: from.name, port: output, ...(parts !== undefined && { parts }) };
}
