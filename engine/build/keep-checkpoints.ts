import type { Cache } from "../../cache/open-cache.ts";
import type { TraceKey } from "../../cache/trace-store.ts";
import type { ArtifactTree } from "../artifact.ts";
import type { Event } from "../event.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { Json } from "../stage.ts";
import { putTree } from "./artifact-tree.ts";
import { checkpointOf, findCheckpoints } from "./find-checkpoints.ts";
import type { HostListener, Hosts } from "./host-pool.ts";
import type { CheckpointChange } from "./host-protocol.ts";
import { checkpointRecipe, type Recipe, traceKeyOf } from "./recipe.ts";

/** What keeping checkpoints needs of a build. */
interface KeepOptions {
  readonly cache: Cache;
  readonly hosts: Hosts;
  emit(event: Event): void;
}

/**
 * Hosts that give a stage the checkpoints in the cache, and keep those that it makes as they come: each is a
 * trace, whose one output has the checkpoint's name, under a key of all that determines checkpoints. So they
 * survive every kind of end, and serve stages that differ in nothing that matters to them.
 */
export function keepCheckpoints(
  stage: PipelineStage,
  recipe: Recipe,
  { cache, hosts, emit }: KeepOptions,
): Hosts {
  if (stage.kind.notInCheckpoints === undefined || !stage.cacheable) return hosts;
  const kept = checkpointRecipe(stage, recipe);
  const key = traceKeyOf(kept);
  return {
    async run(request, listener, signal) {
      const checkpoints = await treesOf(key, cache);
      let keeping: Promise<void> = Promise.resolve();
      const keep = async (change: CheckpointChange) => {
        try {
          await (change.tree === undefined
            ? forget(key, change.name, cache)
            : record({ key, name: change.name, tree: change.tree, recipe: kept }, cache));
        } catch (error) {
          const message = `${change.name} of "${stage.name}" could not be kept: ${error instanceof Error ? error.message : error}`;
          emit({ type: "notice", code: "checkpoint-not-kept", stage: stage.name, message });
        }
      };
      const listening: HostListener = {
        ...listener,
        checkpoint: (change) => {
          keeping = keeping.then(() => keep(change));
        },
      };
      const outcome = await hosts.run({ ...request, checkpoints }, listening, signal);
      await keeping;
      return outcome;
    },
  };
}

/** The newest checkpoint of each name. */
async function treesOf(key: TraceKey, cache: Cache): Promise<Record<string, ArtifactTree>> {
  const trees: Record<string, ArtifactTree> = {};
  for await (const { name, tree } of findCheckpoints(key, cache)) trees[name] ??= tree;
  return trees;
}

async function record(
  { key, name, tree, recipe }: { key: TraceKey; name: string; tree: ArtifactTree; recipe: Recipe },
  cache: Cache,
): Promise<void> {
  await cache.traces.record({
    key,
    outputs: { [name]: await putTree(tree, cache.blobs) },
    metrics: {},
    facts: {},
    seconds: 0,
    recipe: recipe as unknown as { readonly [key: string]: Json },
    finishedAt: new Date().toISOString(),
  });
}

async function forget(key: TraceKey, name: string, cache: Cache): Promise<void> {
  for (const trace of cache.traces.find(key))
    if (checkpointOf(trace)[0] === name) await cache.traces.forget(trace);
}
