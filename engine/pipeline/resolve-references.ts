import { anyArtifact } from "../artifact.ts";
import type { AnyStage, InputPorts, ParamPath } from "../stage.ts";
import { giversOf, hintForType, outputsOf } from "./artifact-givers.ts";
import type { StageDraft } from "./check-stage.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Reference } from "./pipeline.ts";
import { readInputs } from "./read-inputs.ts";
import { listNames, quote, type Report } from "./report.ts";
import { type Place, type ScalarNode, type SourceNode, valueAt } from "./source-node.ts";

type AnyInputPort = InputPorts[string];

/** One input of a stage, resolved: which artifact of which stage it reads. */
export interface Link {
  readonly port: string;
  readonly input: AnyInputPort;
  readonly from: StageDraft;
  readonly output: string;
  /** The split that the reference names. */
  readonly part?: string;
  /** The path in the reader's params that the link comes from, and its name in the artifact. */
  readonly file?: { readonly at: ParamPath; readonly path: string; readonly absolute: string };
  readonly written: string;
  readonly place: Place;
}

/** What a stage reads; `isComplete` is false where an error was reported, so that no more can be said. */
export interface Links {
  readonly links: readonly Link[];
  readonly isComplete: boolean;
}

interface Resolution {
  readonly kinds: readonly AnyStage[];
  readonly drafts: ReadonlyMap<string, StageDraft>;
  readonly report: Report;
}

/** The links of every stage by name. Reports references that lead nowhere or to an artifact of another type. */
export function resolveReferences(
  drafts: ReadonlyMap<string, StageDraft>,
  kinds: readonly AnyStage[],
  report: Report,
): Map<string, Links> {
  const resolution = { drafts, kinds, report };
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
  const references = readInputs(draft, node, resolution.report);
  if (references === undefined) return { links: [], isComplete: false };
  const links: Link[] = [];
  let isComplete = true;
  for (const [port, reference] of references) {
    const input = ports.find(([name]) => name === port)?.[1];
    const link =
      input && reference && resolveReference(draft, { port, input, reference }, resolution);
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

function reportMissingInput(
  draft: StageDraft,
  {
    port,
    type,
    node,
  }: { readonly port: string; readonly type: string; readonly node: SourceNode | undefined },
  { drafts, report }: Resolution,
): void {
  const message = `Stage ${quote(draft.name)} (${draft.kind?.kind}) reads ${type} at "${port}", but nothing is given there.`;
  const giver = giversOf(type, draft, drafts).at(-1);
  const [first] = Object.keys(draft.kind?.inputs ?? {});
  const added = `${port}: ${giver}`;
  let hint = `write "in: ${first === port ? giver : `{ ${added} }`}"`;
  if (node?.kind === "map") hint = `add "${added}"`;
  if (node?.kind === "scalar") hint = `write "in: { ${first}: ${node.text}, ${added} }"`;
  if (giver === undefined) hint = `no stage here gives ${type}`;
  report({ code: "missing-input", message, place: node?.place ?? draft.namePlace, hint });
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
    const hint = () => {
      const others = [...drafts.keys()].filter((other) => other !== draft.name);
      const known = others.length > 0 ? `stages: ${listNames(others)}` : "there is no other stage";
      return didYouMean(name, others, known);
    };
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
  if (type.name === input.type.name || input.type === anyArtifact) return link;
  const hint = hintForType(draft, { from, given: type.name, wanted: input.type.name }, resolution);
  const message = `Stage ${quote(draft.name)} takes ${input.type.name} at "${port}", but ${quote(written)} gives ${type.name}.`;
  resolution.report({ code: "wrong-type", message, place, hint });
  return undefined;
}

/** The reference as the engine reads it: the named split, else those that the input port asks for. */
export function referenceOf({ from, output, part, input, file }: Link): Reference {
  const declared = input.parts === "one" ? undefined : input.parts;
  const parts = part === undefined ? declared : [part];
  return {
    stage: from.name,
    port: output,
    ...(parts !== undefined && { parts }),
    ...(file !== undefined && { path: file.path }),
  };
}
