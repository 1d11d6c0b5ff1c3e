import type { OutputPorts } from "../stage.ts";
import { outputsOf } from "./artifact-givers.ts";
import type { StageDraft } from "./check-stage.ts";
import { membersCalled } from "./members.ts";
import { readStageReference } from "./read-stage-reference.ts";
import { valueAt } from "./source-node.ts";

type Drafts = ReadonlyMap<string, StageDraft>;

/** The drafts, those that pass on one of their inputs with outputs of that input's type, as far as it can be told. */
export function withChosenTypes(drafts: Drafts): Map<string, StageDraft> {
  return new Map([...drafts].map(([name, draft]) => [name, withChosenType(draft, drafts, [])]));
}

function withChosenType(
  draft: StageDraft,
  drafts: Drafts,
  seen: readonly StageDraft[],
): StageDraft {
  const { kind } = draft;
  const [output] = Object.keys(kind?.outputs ?? {});
  if (kind?.choose === undefined || output === undefined || seen.includes(draft)) return draft;
  const type = typeOfCandidates(draft, drafts, [...seen, draft]);
  if (type === undefined) return draft;
  const outputs = { [output]: { ...kind.outputs[output], type } };
  return { ...draft, kind: { ...kind, outputs } };
}

function typeOfCandidates(
  draft: StageDraft,
  drafts: Drafts,
  seen: readonly StageDraft[],
): OutputPorts[string]["type"] | undefined {
  const inputs = valueAt(draft.body, "in");
  const [port = ""] = Object.keys(draft.kind?.inputs ?? {});
  const node = inputs?.kind === "map" ? valueAt(inputs, port) : inputs;
  const read = node?.kind === "scalar" ? readStageReference(node.text) : undefined;
  const from = read && membersCalled(read.stage, drafts)[0];
  if (read === undefined || from === undefined) return undefined;
  const outputs = outputsOf(withChosenType(from, drafts, seen));
  const [, output] = outputs.find(([name]) => name === read.rest[0]) ?? outputs[0] ?? [];
  return output?.type;
}
