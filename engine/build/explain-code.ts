import { posix } from "node:path";
import type { PipelineStage, SourcePath } from "../pipeline/pipeline.ts";
import type { Explanation } from "./explain-change.ts";
import type { Recipe, RecipeCode } from "./recipe.ts";

/** What explanations call a source: `with.files.0`; of a user's own stage its file is `code`, what it imports `code.<path>`. */
export function fieldOf({ at, module }: Pick<SourcePath, "at" | "module">): string {
  if (module === undefined) return `with.${at.join(".")}`;
  return module === "." ? "code" : `code.${module}`;
}

/** Which files of a user's own stage, and which packages that they import, are others than before. */
export function explainCode(
  stage: Pick<PipelineStage, "sources">,
  before: Recipe,
  after: Recipe,
): readonly Explanation[] {
  if (before.code === undefined || after.code === undefined) return [];
  const from = before.code.modules;
  const to = after.code.modules;
  const files = changedNames(from, to).map((module): Explanation => {
    const field = fieldOf({ at: [], module });
    const digests = {
      ...(from[module] !== undefined && { from: from[module] }),
      ...(to[module] !== undefined && { to: to[module] }),
    };
    const how =
      from[module] === undefined ? "is new" : to[module] === undefined ? "is gone" : "changed";
    return { field, text: `${shownName(stage, module)} ${how} (${field})`, ...digests };
  });
  return [...files, ...explainPackages(before.code, after.code)];
}

/** As the pipeline file calls it; a file that is gone lay where its name says, from the stage's file. */
function shownName({ sources }: Pick<PipelineStage, "sources">, module: string): string {
  const now = sources.find((source) => source.module === module);
  const stage = sources.find((source) => source.module === ".");
  return now?.shown ?? posix.join(posix.dirname(stage?.shown ?? "."), module);
}

function explainPackages({ packages: from = {} }: RecipeCode, { packages: to = {} }: RecipeCode) {
  return changedNames(from, to).map((name): Explanation => {
    const [old, now] = [from[name], to[name]];
    const text = `package ${name}: ${old ?? "not used"} -> ${now ?? "not used"} (code)`;
    const values = {
      ...(old !== undefined && { from: old }),
      ...(now !== undefined && { to: now }),
    };
    return { field: `code.packages.${name}`, text, ...values };
  });
}

function changedNames(
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(to), ...Object.keys(from)])];
  return names.filter((name) => from[name] !== to[name]);
}
