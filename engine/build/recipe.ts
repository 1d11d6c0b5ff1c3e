import type { Digest } from "../../cache/digest.ts";
import { digestOf } from "../../cache/digest.ts";
import type { TraceKey } from "../../cache/trace-store.ts";
import { canonicalJson } from "../canonical-json.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { Json, OutputPorts, ParamPath, StageCode } from "../stage.ts";

/** Raise when the meaning of a recipe's fields changes: every key changes with it. */
const RECIPE_FORMAT = 1;

/**
 * Everything that determines a stage's result, and nothing else: no stage names, no paths, no times. Its canonical
 * JSON is what the trace key hashes; it is kept beside the trace so that `why` can name the field that changed.
 */
export interface Recipe {
  readonly format: number;
  readonly uses: string;
  readonly version: number;
  readonly params: Json;
  readonly seed?: number;
  readonly environment?: Json;
  readonly inputs: Readonly<Record<string, Digest>>;
  readonly outputs: Readonly<Record<string, string>>;
  /** Of a user's own stage. */
  readonly code?: RecipeCode;
}

/** The code of a user's own stage: digests of its files by their names in it, versions of the packages it imports. */
export interface RecipeCode {
  readonly modules: Readonly<Record<string, Digest>>;
  readonly packages?: Readonly<Record<string, string>>;
}

/** What is known of a stage just before it would run. */
export interface Ingredients {
  /** Digests of the direct inputs by port, narrowed to the parts the stage reads. */
  readonly inputs: Readonly<Record<string, Digest>>;
  /** Digests of the files that params name and of code, in the order of `stage.sources`. */
  readonly sources: readonly Digest[];
  /** Facts of the machine by name; only those that the kind declares are used. */
  readonly facts: Readonly<Record<string, Json>>;
}

/** What all stages of users' own are called in recipes, wherever their files lie. */
const OWN = "own";

/** The recipe of a stage: params that differ from their defaults, with paths replaced by their content's digests. */
export function recipeOf(stage: PipelineStage, { inputs, sources, facts }: Ingredients): Recipe {
  const { kind, passed } = stage;
  const environment = {
    ...Object.fromEntries(kind.environment.map((name) => [name, facts[name] ?? null])),
    ...(passed && { env: passed }),
  };
  return {
    format: RECIPE_FORMAT,
    uses: kind.code === undefined ? kind.kind : OWN,
    version: kind.version,
    params: keyedParams(stage, sources),
    ...(kind.seeded ? { seed: stage.seed } : {}),
    ...(Object.keys(environment).length > 0 ? { environment } : {}),
    inputs,
    outputs: outputFormats(kind.outputs),
    ...(kind.code && { code: codeOf(stage, kind.code, sources) }),
  };
}

function codeOf(
  stage: PipelineStage,
  { packages }: StageCode,
  sources: readonly Digest[],
): RecipeCode {
  const modules = stage.sources.flatMap(({ module }, index) =>
    module === undefined ? [] : [[module, sources[index]!] as const],
  );
  const isBare = Object.keys(packages).length === 0;
  return { modules: Object.fromEntries(modules), ...(!isBare && { packages }) };
}

/** The recipe of a stage's checkpoints: without the params and inputs of which they are independent. */
export function checkpointRecipe({ kind }: PipelineStage, recipe: Recipe): Recipe {
  const params = recipe.params as Readonly<Record<string, Json>>;
  return {
    ...recipe,
    params: without(params, kind.notInCheckpoints),
    inputs: without(recipe.inputs, kind.portsNotInCheckpoints),
    outputs: { checkpoint: "checkpoint@1" },
  };
}

function without<T>(
  map: Readonly<Record<string, T>>,
  names: readonly string[] = [],
): Record<string, T> {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !names.includes(name)));
}

/** sha256 over the recipe's canonical JSON. */
export function traceKeyOf(recipe: Recipe): TraceKey {
  return digestOf(canonicalJson(recipe as unknown as Json)).slice("sha256:".length) as TraceKey;
}

function keyedParams(stage: PipelineStage, sources: readonly Digest[]): Json {
  const { kind } = stage;
  const leftOut = new Set([
    ...(kind.notInKey ?? []),
    ...(kind.destination ? [kind.destination] : []),
  ]);
  let params: Json = Object.fromEntries(
    Object.entries(stage.params).filter(([name, value]) => {
      const property = kind.params.properties[name] as { readonly default?: Json } | undefined;
      return (
        !leftOut.has(name) && !(property?.default !== undefined && isEqual(property.default, value))
      );
    }),
  );
  stage.sources.forEach((source, index) => {
    const { at, readAs, module } = source;
    if (module !== undefined) return;
    params = replaceAt(params, at, { digest: sources[index]!, ...(readAs && { read_as: readAs }) });
  });
  return params;
}

function outputFormats(outputs: OutputPorts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(outputs).map(([port, { type }]) => [port, `${type.name}@${type.format}`]),
  );
}

function isEqual(a: Json, b: Json): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** A copy of a JSON value with the value at one path replaced. */
export function replaceAt(value: Json, path: ParamPath, replacement: Json): Json {
  const [head, ...rest] = path;
  if (head === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === head ? replaceAt(item, rest, replacement) : item));
  }
  const map = value as { readonly [key: string]: Json };
  return { ...map, [head]: replaceAt(map[head] ?? null, rest, replacement) };
}
