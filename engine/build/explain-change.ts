import { canonicalJson } from "../canonical-json.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { Json } from "../stage.ts";
import { type Change, changesBetween } from "./changes.ts";
import { explainCode } from "./explain-code.ts";
import { explainSources } from "./explain-sources.ts";
import type { Recipe } from "./recipe.ts";

/** One reason why a stage's key is another than before, for people: what, old, new. */
export interface Explanation {
  /** Dotted path in the pipeline's words: `with.learning_rate`, `in.dataset`, `seed`, `tunesmith`. */
  readonly field: string;
  /** A whole sentence fragment: `with.learning_rate: 5e-5 -> 3e-5`. */
  readonly text: string;
  /** The value before; of a file its digest; absent where there was none. */
  readonly from?: Json;
  /** The value now. */
  readonly to?: Json;
}

/** Why a recipe differs from an earlier one of the same stage, the most telling field first. */
export function explainChange(
  stage: PipelineStage,
  before: Recipe,
  after: Recipe,
): readonly Explanation[] {
  const order = [
    "uses",
    "version",
    "code",
    "format",
    "params",
    "seed",
    "environment",
    "inputs",
    "outputs",
  ] as const;
  return order.flatMap((field) => {
    if (field === "code") return explainCode(stage, before, after);
    if (field === "params") return explainParams(stage, before.params, after.params);
    const changes = changesBetween(
      before[field] as Json | undefined,
      after[field] as Json | undefined,
      field,
    );
    return changes.map((change) => explainField(stage, change));
  });
}

function explainParams(stage: PipelineStage, before: Json, after: Json): readonly Explanation[] {
  const [from, to] = [before, after] as readonly { readonly [name: string]: Json }[];
  const names = [...new Set([...Object.keys(to!), ...Object.keys(from!)])];
  return names.flatMap((name) => {
    const changes = changesBetween(from![name], to![name], name);
    if (changes.length === 0) return [];
    const sources = explainSources(stage, name, from![name], to![name]);
    return sources.length > 0
      ? sources
      : changes.map((change) => withValues(change, explainParam(stage, change)));
  });
}

function explainField(stage: PipelineStage, change: Change): Explanation {
  return withValues(change, sayField(stage, change));
}

function withValues({ from, to }: Change, explanation: Explanation): Explanation {
  return {
    ...explanation,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

function sayField(stage: PipelineStage, { path, from, to }: Change): Explanation {
  const [field, ...rest] = path.split(".");
  const name = rest.join(".");
  switch (field) {
    case "inputs":
      return explainInput(stage, name, from, to);
    case "uses":
      return { field: "uses", text: `uses: ${show(from)} -> ${show(to)}` };
    case "version":
      return {
        field: "version",
        text: `stage ${stage.kind.kind} version ${show(from)} -> ${show(to)}`,
      };
    case "environment":
      return { field: name, text: `${name}: ${show(from)} -> ${show(to)}` };
    case "outputs":
    case "format":
      return { field: "format", text: `file format ${name} ${show(from)} -> ${show(to)}` };
    default:
      return { field: path, text: `${path}: ${show(from)} -> ${show(to)}` };
  }
}

function explainParam(stage: PipelineStage, { path, from, to }: Change): Explanation {
  const field = `with.${path.replace(/\.digest$/, "")}`;
  const source = stage.sources.find(({ at }) => path.split(".")[0] === String(at[0]));
  const isContent = path.endsWith(".digest") || hasDigest(to) || hasDigest(from);
  if (source !== undefined && isContent && from !== undefined && to !== undefined) {
    return { field, text: `${source.shown} changed (${field})` };
  }
  const property = stage.kind.params.properties[path] as { readonly default?: Json } | undefined;
  const shown = (value: Json | undefined) =>
    value === undefined ? defaultOf(property?.default) : show(value);
  return { field, text: `${field}: ${shown(from)} -> ${shown(to)}` };
}

function explainInput(
  stage: PipelineStage,
  port: string,
  from: Json | undefined,
  to: Json | undefined,
): Explanation {
  const field = `in.${port}`;
  const upstream = stage.inputs[port]?.stage ?? port;
  if (from === undefined) return { field, text: `${field} is new: reads "${upstream}"` };
  if (to === undefined) return { field, text: `${field} is gone` };
  return { field, text: `output of "${upstream}" changed (${field})` };
}

function hasDigest(value: Json | undefined): boolean {
  return value !== undefined && canonicalJson(value).includes('"digest":"sha256:');
}

function defaultOf(value: Json | undefined): string {
  return value === undefined ? "not set" : `${show(value)} (default)`;
}

function show(value: Json | undefined): string {
  if (value === undefined) return "not set";
  if (typeof value === "string") return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === "number") return showNumber(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Small numbers as people write them in pipeline files: 5e-5, not 0.00005. */
function showNumber(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}
