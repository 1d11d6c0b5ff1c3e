import type { SourceText } from "../diagnostic.ts";
import { applyTemplates } from "./apply-templates.ts";
import { type Expanded, expandMatrix } from "./expand-matrix.ts";
import { type Includer, includeFragments } from "./include.ts";
import { applyOverrides, applySettings } from "./overrides.ts";
import { parse } from "./parse.ts";
import type { Report } from "./report.ts";
import { decodeSource } from "./source-text.ts";
import { createSubstitution, type Environment } from "./variables.ts";

/** A file as it was read, and the name by which messages call it. */
export interface ReadFile {
  readonly shown: string;
  readonly bytes: Uint8Array;
}

/** A pipeline file, and what changes its values. */
export interface RootRequest extends Includer, ReadFile {
  readonly environment: Environment;
  /** Values from the command line: `stages.train.with.learning_rate=3e-5`. */
  readonly overrides?: readonly string[];
  /** Files of such values, one a line: `stages.train.with.learning_rate: 3e-5`. Overrides come before them. */
  readonly settings?: readonly ReadFile[];
}

/**
 * The top map of a pipeline file with everything put in, in this order: fragments, values from settings files and the
 * command line, templates, variables, members of matrices.
 */
export async function readRoot(
  request: RootRequest,
  report: Report,
): Promise<(Expanded & { readonly source: SourceText }) | undefined> {
  const source = decodeSource(request.shown, request.bytes, report);
  const parsed = source && parse(source, report);
  if (source === undefined || parsed === undefined) return undefined;
  if (parsed.kind === "map") {
    const whole = await includeFragments(parsed, request, report);
    const set = applySettings(whole, request.settings ?? [], report);
    const root = applyTemplates(applyOverrides(set, request.overrides ?? [], report), report);
    const substitute = createSubstitution(root, request.environment, report);
    return { ...expandMatrix(root, substitute, report), source };
  }
  const isEmpty = parsed.kind === "scalar" && parsed.value === null;
  const start = { file: source, range: { start: 0, end: 0 } };
  if (isEmpty) {
    const hint = "write one with `tunesmith init`";
    report({ code: "empty-file", message: "The file holds no pipeline.", place: start, hint });
  } else if (parsed.kind !== "unknown") {
    const message = `A pipeline file is a map of "key: value" lines, not a ${parsed.kind === "list" ? "list" : "single value"}.`;
    report({ code: "not-a-map", message, place: parsed.place, hint: 'begin with "stages:"' });
  }
  return undefined;
}
