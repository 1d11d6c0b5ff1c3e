import { anyArtifact } from "../artifact.ts";
import type { AnyStage, InputPorts, ParamPath } from "../stage.ts";
import { giversOf, hintForType, outputsOf } from "./artifact-givers.ts";
import type { StageDraft } from "./check-stage.ts";
import { didYouMean } from "./did-you-mean.ts";
import { memberName } from "./expand-matrix.ts";
import { chooseMembers, membersCalled, namesOf } from "./members.ts";
import type { Reference } from "./pipeline.ts";
import { readInputs } from "./read-inputs.ts";
import { readStageReference } from "./read-stage-reference.ts";
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
    const found =
      input && reference && resolveReference(draft, { port, input, reference }, resolution);
    if (found === undefined) isComplete = false;
    else links.push(...found);
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
): Link[] | undefined {
  const [reference] = scalarsIn(wanted.reference);
  const found = reference && findStage(draft, reference, resolution);
  if (found === undefined) return undefined;
  const isOne = found.from.length === 1;
  const links = found.from.flatMap((from) => {
    const label = from.member && !isOne ? memberName("", from.member.values) : "";
    const port = `${wanted.port}${label}`;
    const one = { ...wanted, port, reference: found.reference };
    return linkTo(draft, from, one, found.rest, resolution) ?? [];
  });
  if (links.length < found.from.length) return undefined;
  if (isOne || wanted.input.isMany) return links;
  reportSeveral(draft, found, resolution);
  return undefined;
}

function reportSeveral(draft: StageDraft, found: FoundStage, { report }: Resolution): void {
  const { text, place } = found.reference;
  const [first, second] = found.from;
  const message = `Stage ${quote(draft.name)} reads one result, but ${quote(text)} has ${found.from.length} members: ${first?.name}, ${second?.name}, …`;
  const hint = `name one, give this stage "matrix: ${first?.member?.of}" to read each, or choose with a stage that uses "select"`;
  report({ code: "several-members", message, place, hint });
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
  /** One stage, or those members of a matrix that are meant. */
  readonly from: readonly StageDraft[];
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
  const says = `Stage ${quote(draft.name)} reads ${quote(text)}`;
  const read = readStageReference(text);
  if (read === undefined) {
    const message = `${says}, which is not the form of a reference.`;
    const hint =
      "write stage, stage.split, stage.port or stage.port.split; of a matrix, stage[name=value]";
    report({ code: "invalid-reference", message, place, hint });
    return undefined;
  }
  const from = membersCalled(read.stage, drafts);
  if (from.length === 0) {
    const hint = () => {
      const own = draft.member?.of ?? draft.name;
      const others = namesOf(drafts).filter((other) => other !== own);
      const known = others.length > 0 ? `stages: ${listNames(others)}` : "there is no other stage";
      return didYouMean(read.stage, others, known);
    };
    const message = `${says}, but there is no stage ${quote(read.stage)}.`;
    report({ code: "unknown-stage", message, place, hint });
    return undefined;
  }
  if (from.includes(draft)) {
    const message = `Stage ${quote(draft.name)} reads itself.`;
    const hint = "name the stage whose result it should read";
    report({ code: "self-reference", message, place, hint });
    return undefined;
  }
  const meant = chooseMembers(draft, from, read.values);
  if (meant.length > 0) return { from: meant, reference, rest: read.rest };
  const message = `${says}, but no member of ${quote(read.stage)} has these values.`;
  const hint = `members: ${listNames(from.map(({ name }) => name))}`;
  report({ code: "unknown-member", message, place, hint });
  return undefined;
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
