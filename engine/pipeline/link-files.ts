import { posix, relative, resolve, sep } from "node:path";
import { anyArtifact } from "../artifact.ts";
import type { Json, ParamPath } from "../stage.ts";
import { outputsOf } from "./artifact-givers.ts";
import type { StageDraft } from "./check-stage.ts";
import { isFilePattern, matchesPattern } from "./file-pattern.ts";
import { quote, type Report } from "./report.ts";
import type { Link, Links } from "./resolve-references.ts";
import { nodeAt } from "./source-node.ts";

/** A path that a stage writes itself. */
interface Written {
  readonly by: StageDraft;
  /** Its name in the stage's first output: relative to the pipeline's folder. */
  readonly path: string;
}

const input = { type: anyArtifact, description: "A file that another stage writes." };

/** The links, with one more for each path in a stage's params that another stage writes. */
export function linkFiles(
  drafts: ReadonlyMap<string, StageDraft>,
  links: ReadonlyMap<string, Links>,
  { folder, report }: { readonly folder: string; readonly report: Report },
): Map<string, Links> {
  const written = new Map<string, Written>();
  for (const by of drafts.values()) {
    for (const { value } of writtenPaths(by)) {
      const path = relativeTo(folder, value);
      written.set(path, { by, path });
    }
  }
  return new Map(
    [...links].map(([name, before]) => {
      const draft = drafts.get(name);
      const more = draft === undefined ? [] : linksOf(draft, written, { folder, report });
      return [name, { ...before, links: [...before.links, ...more] }];
    }),
  );
}

/** The paths that a stage writes itself, with their places in its params. */
export function writtenPaths({ kind, params }: StageDraft): { at: ParamPath; value: string }[] {
  if (params === undefined) return [];
  return textsAt(params, kind?.writes?.(params) ?? []);
}

function textsAt(params: Json, paths: readonly ParamPath[]): { at: ParamPath; value: string }[] {
  return paths.flatMap((at) => {
    let value: Json | undefined = params;
    for (const segment of at)
      value = (value as Record<string | number, Json> | undefined)?.[segment];
    return typeof value === "string" && value !== "" ? [{ at, value }] : [];
  });
}

function linksOf(
  draft: StageDraft,
  written: ReadonlyMap<string, Written>,
  { folder, report }: { readonly folder: string; readonly report: Report },
): Link[] {
  if (draft.params === undefined) return [];
  const paths = draft.kind?.inputPaths?.(draft.params) ?? [];
  return textsAt(
    draft.params,
    paths.map(({ at }) => at),
  ).flatMap(({ at, value }) => {
    const { place } = nodeAt(draft.paramsNode, at);
    const path = relativeTo(folder, value);
    const isPattern = isFilePattern(value);
    const found = isPattern
      ? [...written.values()].find((one) => one.by !== draft && matchesPattern(one.path, path))
      : writerOf(path, written);
    if (found === undefined || found.by === draft) return [];
    const says = `Stage ${quote(draft.name)} reads ${quote(value)}`;
    if (isPattern) {
      const message = `${says}, a pattern that matches ${quote(found.path)}, which stage ${quote(found.by.name)} writes.`;
      const hint = `add ${quote(found.path)} to the list, and let the pattern match only your own files`;
      report({ code: "pattern-over-output", message, place, hint });
      return [];
    }
    const [output = ""] = outputsOf(found.by)[0] ?? [];
    const file = { at, path, absolute: resolve(folder, value) };
    return [{ port: path, input, from: found.by, output, written: value, place, file }];
  });
}

function relativeTo(folder: string, path: string): string {
  return relative(folder, resolve(folder, path)).split(sep).join("/");
}

/** Who writes a path, or a folder above it. */
function writerOf(path: string, written: ReadonlyMap<string, Written>): Written | undefined {
  for (let above = path; ; above = posix.dirname(above)) {
    const found = written.get(above);
    if (found !== undefined || posix.dirname(above) === above) return found;
  }
}
