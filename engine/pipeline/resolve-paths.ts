import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import type { InputPath, Json, ParamPath, StageCode } from "../stage.ts";
import { checkDestinations, type PlannedDestination } from "./check-destinations.ts";
import type { StageDraft } from "./check-stage.ts";
import { explainMissing } from "./explain-missing.ts";
import { filesMatching, isFilePattern, splitPattern } from "./file-pattern.ts";
import { FolderView } from "./folder-view.ts";
import { writtenPaths } from "./link-files.ts";
import type { Destination, SourcePath } from "./pipeline.ts";
import type { Location } from "./project-folder.ts";
import { quote, type Report } from "./report.ts";
import type { Links } from "./resolve-references.ts";
import { nodeAt, type Place, valueAt } from "./source-node.ts";

/** The paths of one stage, absolute. */
export interface StagePaths {
  readonly sources: readonly SourcePath[];
  readonly destination?: Destination;
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
  links: ReadonlyMap<string, Links>,
  location: Location,
  report: Report,
): Promise<Map<string, StagePaths>> {
  const lookup = { location, view: new FolderView(), report };
  const destinations: PlannedDestination[] = [];
  for (const draft of drafts) {
    for (const destination of destinationsOf(draft, lookup)) {
      if (await leavesProject(destination, lookup)) continue;
      destinations.push({ ...destination, stage: draft.name });
    }
  }
  const sources = await Promise.all(
    drafts.map((draft) => {
      const written = (links.get(draft.name)?.links ?? []).flatMap(({ file }) => file ?? []);
      return sourcesOf(draft, written, destinations, lookup);
    }),
  );
  const right = checkDestinations(destinations, sources.flat(), location, report);
  return new Map(
    drafts.map(({ name, kind }, i) => {
      const own = right.filter(({ stage }) => stage === name);
      const destination = joinDestinations(own, kind?.writes !== undefined, location);
      return [name, { sources: sources[i] ?? [], ...(destination && { destination }) }];
    }),
  );
}

function destinationsOf(draft: StageDraft, { location, report }: Lookup): NamedPath[] {
  const param = draft.kind?.destination;
  const placed = param === undefined ? undefined : pathAt(draft, [param], location);
  const written = writtenPaths(draft).flatMap(({ at }) => pathAt(draft, at, location) ?? []);
  const below = written.filter(({ absolute, written: path, place }) => {
    if (absolute !== location.folder && isInside(location.folder, absolute)) return true;
    const message = `Stage ${quote(draft.name)} writes ${quote(path)}, which is not below the pipeline file's folder.`;
    const hint = 'write to a folder beside the pipeline file, such as "out/"';
    report({ code: "output-outside", message, place, hint });
    return false;
  });
  return placed === undefined ? below : [placed, ...below];
}

/** What a stage writes itself lies at several places, which its output holds by their names in the pipeline's folder. */
function joinDestinations(
  own: readonly PlannedDestination[],
  isWrittenByStage: boolean,
  { folder }: Location,
): Destination | undefined {
  const [first] = own;
  if (first === undefined) return undefined;
  const files = own.map(({ shown }) => shown);
  return isWrittenByStage
    ? { absolute: folder, shown: files.join(", "), files }
    : { absolute: first.absolute, shown: first.shown };
}

async function sourcesOf(
  draft: StageDraft,
  written: readonly { readonly at: ParamPath }[],
  destinations: readonly PlannedDestination[],
  lookup: Lookup,
): Promise<SourcePath[]> {
  if (draft.params === undefined) return [];
  const paths: readonly InputPath[] = draft.kind?.inputPaths?.(draft.params) ?? [];
  const found = await Promise.all(
    paths.map(async ({ at, files, readAs, isPattern }) => {
      if (written.some((other) => other.at.join() === at.join())) return [];
      const named = pathAt(draft, at, lookup.location);
      if (named === undefined || (await leavesProject(named, lookup))) return [];
      if (isPattern && isFilePattern(named.written)) return patternSource(named, readAs, lookup);
      if (!(await isThere(named, files, destinations, lookup))) return [];
      const { absolute, shown, place } = named;
      const how = {
        ...(files !== undefined && { files }),
        ...(readAs !== undefined && { readAs }),
      };
      return [{ at, absolute, shown, range: place.range, ...how }];
    }),
  );
  return [...found.flat(), ...modulesOf(draft, lookup.location)];
}

/** The files of a user's own stage; they are there, or its kind would not be known. */
function modulesOf({ kind, body }: StageDraft, { folder }: Location): SourcePath[] {
  const { range } = (valueAt(body, "uses") ?? body).place;
  return (kind?.code?.modules ?? []).map(({ name, absolute }: StageCode["modules"][number]) => ({
    at: [],
    module: name,
    absolute,
    shown: shownPath(folder, absolute),
    range,
  }));
}

function shownPath(folder: string, absolute: string): string {
  return relative(folder, absolute).split(sep).join("/") || ".";
}

async function patternSource(
  { draft, at, written, shown, place }: NamedPath,
  readAs: string | undefined,
  { location, report }: Lookup,
): Promise<SourcePath[]> {
  const { base, pattern } = splitPattern(shown);
  const absolute = resolve(location.folder, base);
  const how = { pattern, ...(readAs !== undefined && { readAs }) };
  if ((await filesMatching(absolute, pattern)).length > 0)
    return [{ at, absolute, shown, range: place.range, ...how }];
  const message = `Stage ${quote(draft.name)} reads ${quote(written)}, which matches no file.`;
  const hint = "* and ? stand for characters of a name, ** for any folders";
  report({ code: "no-match", message, place, hint });
  return [];
}

/** The path in a stage's params; undefined where there is none, or one whose error is known. */
function pathAt(draft: StageDraft, at: ParamPath, { folder }: Location): NamedPath | undefined {
  let value: Json | undefined = draft.params;
  for (const segment of at) value = (value as Record<string | number, Json> | undefined)?.[segment];
  if (typeof value !== "string" || value === "") return undefined;
  const absolute = resolve(folder, value);
  const shown = shownPath(folder, absolute);
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
