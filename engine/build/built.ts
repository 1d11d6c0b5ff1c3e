import type { TraceKey } from "../../cache/trace-store.ts";
import type { Json } from "../stage.ts";
import type { StoredArtifact } from "./artifact-tree.ts";
import type { Recipe } from "./recipe.ts";
import type { SourceDigest } from "./source-digests.ts";

/** A stage that is up to date: what its trace says, and the trees of its outputs. */
export interface Built {
  readonly key: TraceKey;
  readonly recipe: Recipe;
  readonly outputs: Readonly<Record<string, StoredArtifact>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly sources: readonly SourceDigest[];
  /** Facts that bytes may depend on beyond the key, of the machine that made them. */
  readonly facts: Json;
  readonly state: "cached" | "executed";
}
