import { basename, dirname, resolve } from "node:path";
import { digestOf } from "../../cache/digest.ts";
import type { Diagnostic, SourceText } from "../diagnostic.ts";
import { readOwnStages } from "../own-stages/own-stages.ts";
import { failure, type Result, success } from "../result.ts";
import type { AnyStage } from "../stage.ts";
import { checkParts } from "./check-parts.ts";
import { checkSchema } from "./check-schema.ts";
import { checkSecrets } from "./check-secrets.ts";
import { type CheckStageOptions, checkStage, type StageDraft } from "./check-stage.ts";
import { withChosenTypes } from "./chosen-types.ts";
import type { Expanded } from "./expand-matrix.ts";
import { linkFiles } from "./link-files.ts";
import { orderStages } from "./order-stages.ts";
import type { Pipeline, PipelineStage } from "./pipeline.ts";
import { pipelineKeys } from "./pipeline-keys.ts";
import { findProjectFolder, type Location } from "./project-folder.ts";
import { type RootRequest, readRoot } from "./read-root.ts";
import { type Report, reportTo } from "./report.ts";
import { resolvePaths, type StagePaths } from "./resolve-paths.ts";
import { type Links, referenceOf, resolveReferences } from "./resolve-references.ts";
import { valueAt } from "./source-node.ts";
import type { Environment } from "./variables.ts";

/** A pipeline file to check, and what it may refer to. */
export interface AnalyzeRequest extends RootRequest {
  readonly kinds: readonly AnyStage[];
}

/**
 * The pipeline that a file describes, or everything that is wrong with it, in the order of the file. Looks at the
 * file system (whether paths exist, where links lead) but reads no data and runs nothing.
 */
export async function analyze(
  request: AnalyzeRequest,
): Promise<Result<Pipeline, readonly Diagnostic[]>> {
  const diagnostics: Diagnostic[] = [];
  const report = reportTo(diagnostics);
  const expanded = await readRoot(request, report);
  if (expanded === undefined) return failure(inOrder(diagnostics));
  const { root, source } = expanded;
  const top = checkTop(root, source, report);
  checkSecrets(top.secrets ?? [], request.environment, source, report);
  const folder = dirname(request.path);
  const project = await findProjectFolder(folder);
  const location = { path: request.path, folder, project, allowOutside: top.allow_outside };
  const reading = { location, shown: request.shown, report };
  const own = await readOwnStages(expanded.root, request.kinds, reading);
  const drafts = withChosenTypes(checkStages(expanded, { kinds: request.kinds, own }, report));
  const references = resolveReferences(drafts, request.kinds, report);
  const links = linkFiles(drafts, references, { folder, report });
  const ordered = orderStages(drafts, links, report);
  checkParts(ordered, links, report);
  const paths = await resolvePaths([...drafts.values()], links, location, report);
  if (diagnostics.length > 0) return failure(inOrder(diagnostics));
  const stages = ordered.map((draft) =>
    stageOf(draft, { top, links, paths, environment: request.environment }),
  );
  return success({ ...pipelineFacts(location, top, source), stages });
}

interface Top {
  readonly name?: string;
  readonly seed: number;
  readonly allow_outside: boolean;
  readonly secrets?: readonly string[];
  readonly include?: string | readonly string[];
}

function checkTop(root: Expanded["root"], source: SourceText, report: Report): Top {
  const place = { file: source, range: { start: 0, end: 0 } };
  const subject = { node: root, place, prefix: "", keys: "key of a pipeline file" };
  const top = checkSchema(pipelineKeys, subject, report) as Top | undefined;
  return top ?? { seed: 0, allow_outside: false };
}

function checkStages(
  { root, members }: Expanded,
  { kinds, own }: { readonly kinds: readonly AnyStage[]; readonly own: CheckStageOptions["kinds"] },
  report: Report,
): Map<string, StageDraft> {
  const byName = new Map([...kinds.map((kind) => [kind.kind, kind] as const), ...own]);
  const stages = valueAt(root, "stages");
  if (stages?.kind !== "map") return new Map();
  return new Map(
    [...stages.entries].map(([name, entry]) => [
      name,
      checkStage(entry, { kinds: byName, member: members.get(name) }, report),
    ]),
  );
}

interface Checked {
  readonly top: Top;
  readonly links: ReadonlyMap<string, Links>;
  readonly paths: ReadonlyMap<string, StagePaths>;
  readonly environment: Environment;
}

function stageOf(draft: StageDraft, checked: Checked): PipelineStage {
  const { top, paths, environment } = checked;
  const { name, kind, params, namePlace, cacheable, gates, resources, limits, member } = draft;
  const found = paths.get(name);
  if (kind === undefined || params === undefined || found === undefined) {
    throw new Error("internal: a stage with errors in a pipeline without errors");
  }
  const links = checked.links.get(name)?.links ?? [];
  const inputs = links.map((link) => [link.port, referenceOf(link)] as const);
  const written = links.flatMap(({ port, file }) =>
    file === undefined ? [] : [{ at: file.at, absolute: file.absolute, port }],
  );
  const passes = kind.passes?.(params) ?? [];
  return {
    name,
    ...(member !== undefined && { member }),
    kind,
    params,
    seed: draft.seed ?? top.seed,
    inputs: Object.fromEntries(inputs),
    ...found,
    ...(written.length > 0 && { written }),
    ...(passes.length > 0 && { passed: digestsOf(passes, environment, top.secrets) }),
    cacheable,
    gates,
    resources,
    ...limits,
    range: namePlace.range,
  };
}

function digestsOf(
  names: readonly string[],
  environment: Environment,
  secrets: readonly string[] = [],
) {
  const digest = (value: string | undefined) => (value === undefined ? null : digestOf(value));
  // Of a secret not even the digest: short ones can be guessed from it.
  return Object.fromEntries(
    names.map((name) => [name, secrets.includes(name) ? "secret" : digest(environment[name])]),
  );
}

function pipelineFacts({ path, folder, project }: Location, top: Top, source: SourceText) {
  const secrets = top.secrets ?? [];
  const name = top.name ?? basename(path).replace(/(\.tune)?\.ya?ml$/, "");
  const fragments = [top.include ?? []].flat().map((fragment) => resolve(folder, fragment));
  return {
    ...{ name, source, path, folder, project },
    ...(fragments.length > 0 && { fragments }),
    ...(secrets.length > 0 && { secrets }),
  };
}

/** By place, file by file; what concerns the command line comes last. */
function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const paths = [...new Set(diagnostics.map(({ file }) => file.path))];
  const rank = ({ file: { path } }: Diagnostic) =>
    path === "--set" ? paths.length : paths.indexOf(path);
  return distinct(diagnostics).sort((a, b) => rank(a) - rank(b) || a.range.start - b.range.start);
}

/** Of one mistake in a stage with a matrix, only what is said of the first member that has it. */
function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const first = new Map<string, string>();
  return diagnostics.filter(({ code, file, range, message }) => {
    const member = /\[[^\]]*=[^\]]*\]/.exec(message)?.[0];
    const key = JSON.stringify([code, file.path, range, member === undefined && message]);
    if (first.has(key)) return member !== undefined && first.get(key) === member;
    first.set(key, member ?? "");
    return true;
  });
}
