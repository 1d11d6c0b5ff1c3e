import { anyArtifact } from "../artifact.ts";
import type { AnyStage, Json } from "../stage.ts";
import { checkSchema } from "./check-schema.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Member } from "./expand-matrix.ts";
import { parseGates } from "./parse-gates.ts";
import { type Limits, parseLimits } from "./parse-limits.ts";
import type { Gate, Resources } from "./pipeline.ts";
import { STAGE_NAME, stageKeys } from "./pipeline-keys.ts";
import { listNames, quote, type Report } from "./report.ts";
import { type Entry, mapOf, type Place, type SourceNode, valueAt } from "./source-node.ts";

/** A stage as far as it can be checked alone; what is undefined had errors, which are reported. */
export interface StageDraft {
  readonly name: string;
  /** Of a stage with a matrix: which of its members this is. */
  readonly member: Member | undefined;
  readonly namePlace: Place;
  readonly body: SourceNode;
  readonly kind: AnyStage | undefined;
  readonly params: Readonly<Record<string, Json>> | undefined;
  /** What stands under `with`; an empty map at the stage's name where there is nothing. */
  readonly paramsNode: SourceNode;
  readonly seed: number | undefined;
  readonly cacheable: boolean;
  readonly gates: readonly Gate[];
  readonly resources: Resources;
  readonly limits: Limits;
}

interface CheckedKeys {
  readonly seed?: number;
  readonly cache: boolean;
  readonly resources: Resources;
}

/** What a stage is checked against. */
export interface CheckStageOptions {
  /** By what `uses` says; undefined for a kind whose errors are reported. */
  readonly kinds: ReadonlyMap<string, AnyStage | undefined>;
  readonly member?: Member | undefined;
}

/** Checks a stage's name, keys, kind, params and conditions; what it reads is checked by `resolveReferences`. */
export function checkStage(
  entry: Entry,
  { kinds, member }: CheckStageOptions,
  report: Report,
): StageDraft {
  const { key: name, keyPlace: namePlace, value: body } = entry;
  const prefix = `Stage ${quote(name)}: `;
  const ownName = member?.of ?? name;
  if (!new RegExp(STAGE_NAME).test(ownName)) {
    const message = `${quote(ownName)} cannot be the name of a stage.`;
    const hint = "names have up to 64 letters, digits, _ and -, and begin with a letter";
    report({ code: "invalid-stage-name", message, place: namePlace, hint });
  }
  const named = kindOf(body, prefix, kinds, report);
  const kind = named?.takesAny ? withNamedInputs(named, valueAt(body, "in")) : named;
  const keys = checkKeys(entry, prefix, kind, report);
  const given = valueAt(body, "with");
  const isBare = given === undefined || (given.kind === "scalar" && given.value === null);
  const paramsNode = isBare ? mapOf([], namePlace) : given;
  return {
    name,
    member,
    namePlace,
    body,
    kind,
    paramsNode,
    params: kind && checkParams(kind, paramsNode, { prefix, place: placeOfParams(entry) }, report),
    seed: keys?.seed,
    cacheable: keys?.cache ?? true,
    gates: parseGates(body, prefix, report),
    resources: keys?.resources ?? { gpu: 0 },
    limits: parseLimits(body, prefix, report),
  };
}

/** Names of inputs that a stage gives itself. */
const INPUT_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** The kind with an input of any type for each name under `in`; a single reference is called "input". */
function withNamedInputs(kind: AnyStage, node: SourceNode | undefined): AnyStage {
  const names = node?.kind === "map" ? [...node.entries.keys()] : node ? ["input"] : [];
  const input = { type: anyArtifact, description: "What another stage gives.", isMany: true };
  const named = names.filter((name) => INPUT_NAME.test(name)).map((name) => [name, input]);
  return { ...kind, inputs: Object.fromEntries(named) };
}

function checkKeys(
  { keyPlace, value: body }: Entry,
  prefix: string,
  kind: AnyStage | undefined,
  report: Report,
): CheckedKeys | undefined {
  const hintForKey = (key: string) =>
    kind !== undefined && Object.hasOwn(kind.params.properties, key)
      ? `it is a parameter of ${kind.kind}: put it under "with"`
      : undefined;
  const subject = { node: body, place: keyPlace, prefix, keys: "key of a stage", hintForKey };
  return checkSchema(stageKeys, subject, report) as unknown as CheckedKeys | undefined;
}

function kindOf(
  body: SourceNode,
  prefix: string,
  kinds: CheckStageOptions["kinds"],
  report: Report,
): AnyStage | undefined {
  const uses = valueAt(body, "uses");
  if (uses?.kind !== "scalar" || typeof uses.value !== "string" || uses.value === "")
    return undefined;
  if (kinds.has(uses.value)) return kinds.get(uses.value);
  const message = `${prefix}there is no kind of stage called ${quote(uses.value)}.`;
  const hint = /\.m?[jt]s$/.test(uses.value)
    ? `a file is named by its path: write "./${uses.value}"`
    : didYouMean(uses.value, kinds.keys(), `kinds: ${listNames(kinds.keys())}`);
  report({ code: "unknown-kind", message, place: uses.place, hint });
  return undefined;
}

function checkParams(
  kind: AnyStage,
  node: SourceNode,
  { prefix, place }: { readonly prefix: string; readonly place: Place },
  report: Report,
): Readonly<Record<string, Json>> | undefined {
  if (node.kind !== "map") return undefined;
  const hintForKey = (key: string) =>
    Object.hasOwn(stageKeys.properties, key)
      ? `"${key}" stands beside "with", not in it`
      : undefined;
  const subject = { node, place, prefix, keys: `parameter of ${kind.kind}`, hintForKey };
  return checkSchema(kind.params, subject, report) as Readonly<Record<string, Json>> | undefined;
}

/** Where to point when a param is missing: the key `with`, else the stage's name. */
function placeOfParams({ keyPlace, value: body }: Entry): Place {
  return (body.kind === "map" ? body.entries.get("with")?.keyPlace : undefined) ?? keyPlace;
}
