import { isDigest } from "../../cache/digest.ts";
import type { PipelineStage, SourcePath } from "../pipeline/pipeline.ts";
import type { Json } from "../stage.ts";
import type { Explanation } from "./explain-change.ts";
import { fieldOf } from "./explain-code.ts";

/**
 * Which of the files that a param names have other content than before, or another order. Recipes hold digests and no
 * paths, so that a file that is gone has no name. Empty where the param was no list of files before, or is none now.
 */
export function explainSources(
  { sources }: Pick<PipelineStage, "sources">,
  param: string,
  before: Json | undefined,
  after: Json | undefined,
): readonly Explanation[] {
  const named = sources.filter(({ at }) => at[0] === param);
  const olds = digestsIn(before);
  const news = named.map(({ at }) => digestAt(after, at.slice(1)));
  if (olds.length === 0 || news.length === 0) return [];
  if (isSamePlaces(before, named)) return explainEach(named, before, news);
  const field = `with.${param}`;
  const isNew = (_: SourcePath, index: number) => !olds.includes(news[index]!);
  const gone = olds.filter((digest) => !news.includes(digest)).length;
  const added = named.filter(isNew).map(({ shown }) => `${shown} is new (${field})`);
  const left = gone === 0 ? [] : [`${gone} of its files ${gone === 1 ? "is" : "are"} gone`];
  return [...added, ...left.map((text) => `${text} (${field})`)].map((text) => ({ field, text }));
}

function explainEach(
  named: readonly SourcePath[],
  before: Json | undefined,
  news: readonly (string | undefined)[],
): readonly Explanation[] {
  const olds = named.map(({ at }) => digestAt(before, at.slice(1)));
  const changed = named.filter((_, index) => olds[index] !== news[index]);
  const isReordered = changed.length > 1 && [...olds].sort().join() === [...news].sort().join();
  if (isReordered) {
    const field = `with.${String(named[0]!.at[0])}`;
    return [{ field, text: `${field}: the same files in another order` }];
  }
  return changed.map((source) => {
    const field = fieldOf(source);
    const index = named.indexOf(source);
    const [from, to] = [olds[index]!, news[index]!];
    return { field, text: `${source.shown} changed (${field})`, from, to };
  });
}

/** Whether there was one file at each place where there is one now, and nowhere else. */
function isSamePlaces(before: Json | undefined, named: readonly SourcePath[]): boolean {
  const found = named.filter(({ at }) => digestAt(before, at.slice(1)) !== undefined);
  return found.length === named.length && digestsIn(before).length === named.length;
}

function digestAt(value: Json | undefined, at: SourcePath["at"]): string | undefined {
  const [head, ...rest] = at;
  if (typeof value !== "object" || value === null) return undefined;
  if (head !== undefined) {
    return Object.hasOwn(value, head)
      ? digestAt((value as { readonly [key: string]: Json })[head], rest)
      : undefined;
  }
  const digest = "digest" in value ? value.digest : undefined;
  return isDigest(digest) ? digest : undefined;
}

/** All digests of files in a param's value, in its order. */
function digestsIn(value: Json | undefined): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = digestAt(value, []);
  return own === undefined ? Object.values(value).flatMap(digestsIn) : [own];
}
