import type { AnyStage, InputPorts, OutputPorts } from "../stage.ts";
import type { StageDraft } from "./check-stage.ts";
import { listNames } from "./report.ts";

type Drafts = ReadonlyMap<string, StageDraft>;

/** A stage's output ports in their order; none when its kind is not known. */
export function outputsOf({ kind }: Pick<StageDraft, "kind">): [string, OutputPorts[string]][] {
  return Object.entries((kind?.outputs ?? {}) as OutputPorts);
}

/** References to the outputs of other stages that have a type, in the order of the file. */
export function giversOf(type: string, reader: StageDraft, drafts: Drafts): string[] {
  return [...drafts.values()].flatMap((draft) => {
    const port = outputsOf(draft).findIndex(([, output]) => output.type.name === type);
    if (draft === reader || port < 0) return [];
    return [port === 0 ? draft.name : `${draft.name}.${outputsOf(draft)[port]?.[0]}`];
  });
}

/** Where an artifact of the wanted type could come from, for someone who referred to one of another type. */
export function hintForType(
  reader: StageDraft,
  types: { readonly from: StageDraft; readonly given: string; readonly wanted: string },
  { drafts, kinds }: { readonly drafts: Drafts; readonly kinds: readonly AnyStage[] },
): string | undefined {
  const own = outputsOf(types.from).find(([, output]) => output.type.name === types.wanted);
  if (own !== undefined) return `write "${types.from.name}.${own[0]}"`;
  const givers = giversOf(types.wanted, reader, drafts);
  if (givers.length > 0) return `${types.wanted} here: ${listNames(givers)}`;
  if (types.from.kind?.writes !== undefined)
    return "its files are read by their paths: name one in a stage that reads files";
  const between = kinds.find((kind) => turns(kind, types.given, types.wanted));
  return between && `a stage that uses "${between.kind}" makes ${types.wanted} from ${types.given}`;
}

function turns(kind: AnyStage, given: string, wanted: string): boolean {
  const [input] = Object.values(kind.inputs as InputPorts);
  return input?.type.name === given && outputsOf({ kind })[0]?.[1].type.name === wanted;
}
