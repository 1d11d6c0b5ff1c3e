import { dirname, sep } from "node:path";
import type { SourcePath } from "./pipeline.ts";
import type { Location } from "./project-folder.ts";
import { quote, type Report } from "./report.ts";
import type { Place } from "./source-node.ts";

/** Where a stage puts its result. */
export interface PlannedDestination {
  readonly stage: string;
  readonly written: string;
  readonly absolute: string;
  readonly shown: string;
  readonly place: Place;
}

/** The destinations that overwrite nothing which is read, kept or written by another stage; reports the others. */
export function checkDestinations(
  destinations: readonly PlannedDestination[],
  sources: readonly SourcePath[],
  location: Location,
  report: Report,
): PlannedDestination[] {
  const kept = pathsToKeep(location);
  const taken = new Map<string, PlannedDestination>();
  return destinations.filter((destination) => {
    const problem =
      problemWithProject(destination, kept) ??
      problemWithSources(destination, sources) ??
      problemWithOthers(destination, taken);
    if (problem === undefined) {
      taken.set(destination.absolute, destination);
      return true;
    }
    report({
      ...problem,
      message: `Stage ${quote(destination.stage)}: ${problem.message}`,
      place: destination.place,
    });
    return false;
  });
}

interface DestinationProblem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const OWN_FOLDER = "give each result a folder of its own";

/** The pipeline file, the project's folder and all above it. */
function pathsToKeep({ path, project }: Location): Set<string> {
  const kept = new Set<string>();
  for (const start of [path, project]) for (const folder of upwards(start)) kept.add(folder);
  return kept;
}

function problemWithProject(
  destination: PlannedDestination,
  kept: ReadonlySet<string>,
): DestinationProblem | undefined {
  const { absolute, written } = destination;
  if (absolute.split(sep).includes(".tunesmith")) {
    const message = `${quote(written)} lies in the cache's folder.`;
    return { code: "destination-in-cache", message, hint: "write to another folder, such as out/" };
  }
  if (!kept.has(absolute)) return undefined;
  const message = `writing to ${quote(written)} would replace the pipeline file.`;
  return { code: "destination-overwrites", message, hint: OWN_FOLDER };
}

function problemWithSources(
  { absolute, written, stage }: PlannedDestination,
  sources: readonly SourcePath[],
): DestinationProblem | undefined {
  for (const source of sources) {
    const isOver = holds(absolute, source.absolute);
    const isPartial = source.files !== undefined || source.pattern !== undefined;
    if (!isOver && (isPartial || !holds(source.absolute, absolute))) continue;
    const message = isOver
      ? `writing to ${quote(written)} would replace ${quote(source.shown)}, which a stage reads.`
      : `${quote(written)} lies in ${quote(source.shown)}, which a stage reads: each run would change its input.`;
    const hint = isOver ? `${OWN_FOLDER}; to read this one, write "in: ${stage}"` : OWN_FOLDER;
    return { code: "destination-overwrites", message, hint };
  }
  return undefined;
}

function problemWithOthers(
  destination: PlannedDestination,
  taken: ReadonlyMap<string, PlannedDestination>,
): DestinationProblem | undefined {
  const { absolute, written } = destination;
  const other = [...taken.values()].find(
    (one) => holds(one.absolute, absolute) || holds(absolute, one.absolute),
  );
  if (other === undefined) return undefined;
  const where =
    other.absolute === absolute
      ? "writes there, too"
      : `writes to ${quote(other.written)}, which overlaps`;
  const message = `${quote(written)} is no place of its own: stage ${quote(other.stage)} ${where}.`;
  return { code: "shared-destination", message, hint: OWN_FOLDER };
}

/** Of resolved paths; compared as texts, since each destination is compared with each path that is read. */
function holds(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function* upwards(path: string): Generator<string> {
  for (let current = path; ; current = dirname(current)) {
    yield current;
    if (dirname(current) === current) return;
  }
}
