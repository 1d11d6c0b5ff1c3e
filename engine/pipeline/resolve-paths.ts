import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import type { InputPath, Json, ParamPath } from "../stage.ts";
import { checkDestinations, type PlannedDestination } from "./check-destinations.ts";
import type { StageDraft } from "./check-stage.ts";
import { explainMissing } from "./explain-missing.ts";
import { FolderView } from "./folder-view.ts";
import type { SourcePath } from "./pipeline.ts";
import type { Location } from "./project-folder.ts";
import { quote, type Report } from "./report.ts";
import { nodeAt, type Place } from "./source-node.ts";

/** The paths of one stage, absolute. */
export interface StagePaths {
  readonly sources: readonly SourcePath[];
  readonly destination?: { readonly absolute: string; readonly shown: string };
}

interface Lookup {
  readonly location: Location;
  readonly view: FolderView;
  readonly report: Report;
}

interface NamedPath {
  readonly draft: StageDraft;
  readonly at: ParamPath;
  readonly written: string;
  readonly absolute: string;
  readonly shown: string;
  readonly place: Place;
}

/**
 * The files that stages read and the folders they write, by stage. Reports what is missing, leaves the project, or
 * would overwrite something that is read. Nothing is opened; folders are only listed.
 */
export async function resolvePaths(
  drafts: readonly StageDraft[],
  location: Location,
  report: Report,
): Promise<Map<string, StagePaths>> {
  const lookup = { location, view: new FolderView(), report };
  const destinations: PlannedDestination[] = [];
  for (const draft of drafts) {
    const destination = destinationOf(draft, location);
    if (destination === undefined || (await leavesProject(destination, lookup))) continue;
    destinations.push({ ...destination, stage: draft.name });
  }
  const sources = await Promise.all(drafts.map((draft) => sourcesOf(draft, destinations, lookup)));
  const right = checkDestinations(destinations, sources.flat(), location, report);
  const destinationBy = new Map(
    right.map((one) => [one.stage, { absolute: one.absolute, shown: one.shown }]),
  );
  return new Map(
    drafts.map(({ name }, i) => {
      const destination = destinationBy.get(name);
      return [name, { sources: sources[i] ?? [], ...(destination && { destination }) }];
    }),
  );
}

function destinationOf(draft: StageDraft, location: Location): NamedPath | undefined {
  const param = draft.kind?.destination;
  return param === undefined ? undefined : pathAt(draft, [param], location);
}

async function sourcesOf(
  draft: StageDraft,
  destinations: readonly PlannedDestination[],
  lookup: Lookup,
): Promise<SourcePath[]> {
  if (draft.params === undefined) return [];
  const paths: readonly InputPath[] = draft.kind?.inputPaths?.(draft.params) ?? [];
  const found = await Promise.all(
    paths.map(async ({ at, files, readAs }) => {
      const named = pathAt(draft, at, lookup.location);
      if (named === undefined || (await leavesProject(named, lookup))) return [];
      if (!(await isThere(named, files, destinations, lookup))) return [];
      const { absolute, shown, place } = named;
      const how = {
        ...(files !== undefined && { files }),
        ...(readAs !== undefined && { readAs }),
      };
      return [{ at, absolute, shown, range: place.range, ...how }];
    }),
  );
  return found.flat();
}

/** The path in a stage's params; undefined where there is none, or one whose error is known. */
function pathAt(draft: StageDraft, at: ParamPath, { folder }: Location): NamedPath | undefined {
  let value: Json | undefined = draft.params;
  for (const segment of at) value = (value as Record<string | number, Json> | undefined)?.[segment];
  if (typeof value !== "string" || value === "") return undefined;
  const absolute = resolve(folder, value);
  const shown = relative(folder, absolute).split(sep).join("/") || ".";
  return { draft, at, written: value, absolute, shown, place: nodeAt(draft.paramsNode, at).place };
}

/** Whether a path is absolute or leads out of the project, itself or through a symbolic link; reports it. */
async function leavesProject(
  { draft, written, absolute, place }: NamedPath,
  lookup: Lookup,
): Promise<boolean> {
  const { location, view, report } = lookup;
  if (location.allowOutside) return false;
  const says = `Stage ${quote(draft.name)}: the path ${quote(written)}`;
  const allow = 'or allow it for the whole file: "allow_outside: true" at the top';
  if (isAbsolute(written)) {
    const hint = `write it relative to the pipeline file, ${allow}`;
    report({ code: "absolute-path", message: `${says} is absolute.`, place, hint });
    return true;
  }
  if (!isInside(location.project, absolute)) {
    const hint = `copy it into the project, ${allow}`;
    report({
      code: "outside-project",
      message: `${says} leaves the project's folder.`,
      place,
      hint,
    });
    return true;
  }
  const [root, real] = await Promise.all([
    view.realPath(location.project),
    view.realPath(absolute),
  ]);
  if (isInside(root, real)) return false;
  const message = `${says} leaves the project's folder through a symbolic link.`;
  report({ code: "outside-project", message, place, hint: `copy it into the project, ${allow}` });
  return true;
}

async function isThere(
  named: NamedPath,
  files: readonly string[] | undefined,
  destinations: readonly PlannedDestination[],
  { view, report }: Lookup,
): Promise<boolean> {
  const { draft, written, absolute, place } = named;
  const type = await view.typeOf(absolute);
  const says = `Stage ${quote(draft.name)}`;
  if (type === "missing") {
    const producer = destinations.find((other) => isInside(other.absolute, absolute));
    const siblings = await view.list(dirname(absolute));
    const hint = () => explainMissing(written, { siblings, producer });
    report({
      code: "missing-path",
      message: `${says} reads ${quote(written)}, which does not exist.`,
      place,
      hint,
    });
    return false;
  }
  if (type === "special") {
    const message = `${says} reads ${quote(written)}, which is neither a file nor a folder.`;
    report({ code: "special-file", message, place });
    return false;
  }
  if (type === "file" || files === undefined || (await view.holdsAny(absolute, files))) return true;
  const message = `${says} reads the folder ${quote(written)}, which holds none of: ${files.join(", ")}.`;
  report({ code: "empty-folder", message, place });
  return false;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
