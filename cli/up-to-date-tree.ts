import type { Cache } from "../cache/open-cache.ts";
import type { TraceKey } from "../cache/trace-store.ts";
import type { ArtifactTree } from "../engine/artifact.ts";
import type { Problem } from "../engine/diagnostic.ts";
import { failure, type Result, success } from "../engine/result.ts";
import type { ExaminedFile } from "./examine-file.ts";
import type { OutputName } from "./select-output.ts";
import { sayReason } from "./text/say-examined.ts";

/** The tree of an output of a stage that is up to date, which no collection takes while the cache's lease is held. */
export function upToDateTree(
  view: ExaminedFile,
  { stage, port }: Pick<OutputName, "stage" | "port">,
): Result<ArtifactTree, Problem> {
  const found = view.examined.get(stage.name)!;
  const isUpToDate = found.state === "cached";
  if (isUpToDate && isKept(view.cache, found.built.key))
    return success(found.built.outputs[port]!.tree);
  const why = isUpToDate ? "its result has just been collected" : sayReason(found);
  return failure({
    code: "not-up-to-date",
    message: `The stage "${stage.name}" is not up to date: ${why}.`,
    hint: `tunesmith run ${view.file} ${stage.name}`,
  });
}

/** From here on no collection takes the key's traces, if one has not just done so. */
function isKept({ leases, traces }: Cache, key: TraceKey): boolean {
  return leases.inUse(key, () => traces.find(key)).length > 0;
}
