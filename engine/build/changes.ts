import { canonicalJson } from "../canonical-json.ts";
import type { Json } from "../stage.ts";

/** One field that differs between two JSON values; `undefined` where a side lacks it. */
export interface Change {
  /** Dotted path: `params.learning_rate`, `inputs.dataset`. */
  readonly path: string;
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

/** All fields that differ, in the order of the keys of `to`, then those that only `from` has. */
export function changesBetween(
  from: Json | undefined,
  to: Json | undefined,
  path = "",
): readonly Change[] {
  if (from === undefined && to === undefined) return [];
  if (from !== undefined && to !== undefined && canonicalJson(from) === canonicalJson(to))
    return [];
  if (!isMap(from) || !isMap(to)) return [{ path, from, to }];
  const keys = [...new Set([...Object.keys(to), ...Object.keys(from)])];
  return keys.flatMap((key) => {
    return changesBetween(own(from, key), own(to, key), path === "" ? key : `${path}.${key}`);
  });
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(map: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
