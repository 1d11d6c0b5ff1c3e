import type { Json } from "../stage.ts";
import type { StageDraft } from "./check-stage.ts";
import { didYouMean } from "./did-you-mean.ts";
import { listNames, quote, type Report } from "./report.ts";
import type { Link, Links } from "./resolve-references.ts";
import { nodeAt } from "./source-node.ts";

/** Names of splits by port that is fed or given; undefined where they are not known. */
type PartsByPort = Readonly<Record<string, readonly string[] | undefined>>;

/**
 * Follows the splits of datasets from stage to stage, in topological order, as far as they are known before running:
 * reports references to splits that will not exist, and what each stage's own check says about its params.
 */
export function checkParts(
  ordered: readonly StageDraft[],
  links: ReadonlyMap<string, Links>,
  report: Report,
): void {
  const given = new Map<StageDraft, PartsByPort>();
  for (const draft of ordered) {
    const { links: inputs = [], isComplete = false } = links.get(draft.name) ?? {};
    const read: Record<string, readonly string[] | undefined> = {};
    let isRight = isComplete;
    for (const link of inputs) {
      const parts = partsRead(draft, link, given, report);
      if (parts === "wrong") isRight = false;
      else read[link.port] = parts;
    }
    if (draft.params === undefined || draft.kind === undefined) continue;
    if (isRight) reportOwnProblems(draft, draft.params, read, report);
    if (isRight) given.set(draft, draft.kind.parts?.(draft.params, read) ?? {});
  }
}

/** The splits that an input will hold, none where its type has no parts: `wrong` when that was reported as an error, undefined when not known. */
function partsRead(
  draft: StageDraft,
  { from, output, part, input, written, place }: Link,
  given: ReadonlyMap<StageDraft, PartsByPort>,
  report: Report,
): readonly string[] | "wrong" | undefined {
  const known = given.get(from)?.[output];
  if (part !== undefined) {
    if (known === undefined || known.includes(part)) return [part];
    report({
      code: "unknown-part",
      message: `Stage ${quote(draft.name)} reads ${quote(written)}, but ${quote(from.name)} has ${splits(known)}.`,
      place,
      hint: hintForPart(written, part, known),
    });
    return "wrong";
  }
  if (input.parts === "one" && known !== undefined && known.length > 1) {
    const message = `Stage ${quote(draft.name)} reads one split, but ${quote(written)} has ${splits(known)}.`;
    const choice = known.includes("test") ? "test" : known.at(-1);
    report({ code: "split-not-named", message, place, hint: `name one: ${written}.${choice}` });
    return "wrong";
  }
  if (!input.type.hasParts) return known ?? [];
  return input.parts === undefined || input.parts === "one"
    ? known
    : known?.filter((name) => input.parts?.includes(name));
}

function splits(names: readonly string[]): string {
  return names.length === 0
    ? "no splits"
    : `${names.length === 1 ? "the split" : "splits"}: ${listNames(names)}`;
}

function hintForPart(written: string, part: string, known: readonly string[]): string | undefined {
  const stem = written.slice(0, -part.length);
  return didYouMean(
    part,
    known,
    known.length === 1 ? `write "${stem.slice(0, -1)}"` : undefined,
  )?.replace(/"(.*)"/, (_, nearest) =>
    nearest === stem.slice(0, -1) ? `"${nearest}"` : `"${stem}${nearest}"`,
  );
}

function reportOwnProblems(
  draft: StageDraft,
  params: Readonly<Record<string, Json>>,
  read: PartsByPort,
  report: Report,
): void {
  for (const problem of draft.kind?.check?.(params, read) ?? []) {
    const node = nodeAt(draft.paramsNode, problem.at);
    const place = problem.at.length === 0 ? draft.namePlace : node.place;
    const message = `Stage ${quote(draft.name)}: ${inSentence(problem.message)}`;
    report({ code: problem.code, message, place, hint: problem.hint });
  }
}

/** The message after a colon: its first word small, unless it is a name. */
function inSentence(message: string): string {
  return /^[A-Z][a-z]* /.test(message)
    ? message.slice(0, 1).toLowerCase() + message.slice(1)
    : message;
}
