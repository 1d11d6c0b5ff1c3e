import { basename } from "node:path";
import pc from "picocolors";
import type { Change } from "../../engine/build/changes.ts";
import type { Problem } from "../../engine/diagnostic.ts";
import { type Lockfile, lockfilePathOf } from "../../engine/lockfile.ts";
import type { Result } from "../../engine/result.ts";
import { type ComparedDestination, compareDestinations } from "../compare-destinations.ts";
import { type ComparedSource, compareSources } from "../compare-sources.ts";
import { type ComparedStage, compareStages } from "../compare-stages.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { type ExaminedFile, withExaminedFile, writeJson } from "../examine-file.ts";
import { sayChange } from "../frozen-run.ts";
import { otherLockChanges, readLock } from "../lock-file.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printableLine } from "../text/printable.ts";
import { type Cell, renderTable } from "../text/render-table.ts";

/**
 * The workspace beside its lockfile; with `--json` printed as it is. `lockfile.state` is `present`, `missing` or
 * `unreadable`, which `problem` explains.
 */
interface Status {
  readonly type: "status";
  readonly pipeline: string;
  readonly lockfile: {
    readonly path: string;
    readonly state: "present" | "missing" | "unreadable";
    /** The version of tunesmith that wrote it. */
    readonly tunesmith?: string;
    readonly problem?: Problem;
    /** What in it is as no run of this pipeline would write it, beside stages and sources. */
    readonly changes?: readonly Change[];
  };
  readonly stages: readonly ComparedStage[];
  readonly sources: readonly ComparedSource[];
  readonly destinations: readonly ComparedDestination[];
}

/** Compares the pipeline, its sources and its saved folders with the lockfile. Executes nothing; exit code 0. */
export function status(
  context: CliContext,
  file: string,
  { device, json }: { readonly device?: string; readonly json: boolean },
): Promise<number> {
  return withExaminedFile(context, file, { device }, async (view) => {
    const found = await statusOf(view);
    if (json) writeJson(context, found);
    else context.stdout.write(renderStatus(found, file, context));
    return exitCodes.ok;
  });
}

async function statusOf({ pipeline, cache, examined }: ExaminedFile): Promise<Status> {
  const read = await readLock(pipeline);
  const lock = read.ok ? read.value : undefined;
  const sources = await compareSources(pipeline, cache, lock);
  const path = basename(lockfilePathOf(pipeline.path));
  return {
    type: "status",
    pipeline: pipeline.name,
    lockfile: {
      ...describeLockfile(read, path),
      ...(lock && { changes: await otherLockChanges(pipeline, lock) }),
    },
    stages: compareStages({ pipeline, examined, sources }, lock),
    sources,
    destinations: await compareDestinations(pipeline, examined, cache, lock),
  };
}

function describeLockfile(
  read: Result<Lockfile | undefined, Problem>,
  path: string,
): Status["lockfile"] {
  if (!read.ok) return { path, state: "unreadable", problem: read.error };
  if (read.value === undefined) return { path, state: "missing" };
  return { path, state: "present", tunesmith: read.value.tunesmith };
}

function renderStatus(found: Status, file: string, context: CliContext): string {
  const { lockfile, stages } = found;
  const lines = [`${found.pipeline}: ${sayLockfile(found, file)}`];
  const rows = lockfile.state === "present" ? changedRows(found, context.color) : [];
  if (rows.length > 0) lines.push("", ...renderRows(rows, context));
  if (lockfile.state === "present") lines.push("", ...sayUnchanged(stages, rows.length > 0, file));
  return `${lines.join("\n").trimEnd()}\n`;
}

function sayLockfile({ lockfile }: Status, file: string): string {
  const { path, problem, tunesmith } = lockfile;
  if (problem !== undefined) {
    const hint = problem.hint === undefined ? "" : `\n    hint: ${printableLine(problem.hint)}`;
    return `${printableLine(problem.message)}${hint}`;
  }
  if (tunesmith !== undefined) return `beside ${path}, written by tunesmith ${tunesmith}`;
  return `there is no ${path} yet. It is written by: tunesmith run ${file}`;
}

function changedRows(found: Status, color: boolean): readonly (readonly Cell[])[] {
  const { yellow, green, red, cyan } = pc.createColors(color);
  const paints = { modified: yellow, pending: cyan, new: green, removed: red };
  const stages = found.stages.flatMap(({ stage, state, changes }) => {
    if (state === "unchanged") return [];
    const why =
      state === "pending" ? "what it reads may change" : changes.map(({ text }) => text).join("; ");
    return [[{ text: state, paint: paints[state] }, "stage", stage, printableLine(why)]];
  });
  const sources = found.sources.flatMap(({ path, state, files }) => {
    if (state === "unchanged") return [];
    const paint = state === "unreadable" ? red : paints[state];
    return [[{ text: state, paint }, "source", path, (files ?? []).join(", ")]];
  });
  const destinations = found.destinations.flatMap(({ stage, path, state, files }) => {
    if (state === "present" || state === "unknown") return [];
    return [[{ text: state, paint: red }, "output", path, `of ${stage}: ${files.join(", ")}`]];
  });
  const edits = (found.lockfile.changes ?? []).map((change) => {
    const row = ["lockfile", found.lockfile.path, printableLine(sayChange(change))];
    return [{ text: "modified", paint: paints.modified }, ...row];
  });
  return [...edits, ...stages, ...sources, ...destinations];
}

function renderRows(rows: readonly (readonly Cell[])[], context: CliContext): readonly string[] {
  const columns = [
    { title: "state" },
    { title: "what" },
    { title: "name", shrinks: true },
    { title: "changes" },
  ] as const;
  const { dim } = pc.createColors(context.color);
  const { ellipsis } = glyphsOf(context.environment);
  const table = renderTable(columns, rows, { width: context.columns, ellipsis, paintTitle: dim });
  return table.trimEnd().split("\n");
}

function sayUnchanged(
  stages: readonly ComparedStage[],
  hasChanges: boolean,
  file: string,
): readonly string[] {
  const unchanged = stages.filter(({ state }) => state === "unchanged");
  const names = (list: readonly ComparedStage[]) => list.map(({ stage }) => stage).join(", ");
  const lost = unchanged.filter(({ isStored }) => !isStored);
  const all = unchanged.length === stages.length ? "all stages" : names(unchanged);
  return [
    ...(unchanged.length > 0 ? [`unchanged: ${all}`] : []),
    ...(lost.length > 0 ? [`not in the cache, so they would run: ${names(lost)}`] : []),
    ...(hasChanges || lost.length > 0 ? [`bring all up to date: tunesmith run ${file}`] : []),
  ];
}
