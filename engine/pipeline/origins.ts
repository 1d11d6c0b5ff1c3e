import type { Json } from "../stage.ts";
import { type RootRequest, readRoot } from "./read-root.ts";
import { jsonOf, type Place, type SourceNode } from "./source-node.ts";

/** One value of a pipeline, and where it comes from. */
export interface Origin {
  /** `stages.train.with.learning_rate`. */
  readonly path: string;
  readonly value: Json;
  readonly place: Place;
  /** The reference that stands there: `${vars.rate}`. */
  readonly via?: string;
}

/** Every value that a pipeline's files and the command line give, in the order of the pipeline. Mistakes are left out. */
export async function originsOf(request: RootRequest): Promise<readonly Origin[]> {
  const expanded = await readRoot(request, () => {});
  return expanded === undefined ? [] : valuesIn(expanded.root, "");
}

/** Lists of single values are one value. */
function valuesIn(node: SourceNode, path: string): readonly Origin[] {
  const below = (key: string) => (path === "" ? key : `${path}.${key}`);
  if (node.kind === "map" && node.entries.size > 0)
    return [...node.entries.values()].flatMap(({ key, value }) => valuesIn(value, below(key)));
  const isNested = node.kind === "list" && node.items.some(({ kind }) => kind !== "scalar");
  if (isNested) return node.items.flatMap((item, i) => valuesIn(item, below(String(i))));
  const { place, via } = node;
  return [{ path, value: jsonOf(node), place, ...(via !== undefined && { via }) }];
}
