import type { Cache } from "../cache/open-cache.ts";
import type { RunRecord } from "../cache/trace-store.ts";
import type { Problem } from "../engine/diagnostic.ts";
import { failure, type Result, success } from "../engine/result.ts";

/** More runs are not recorded. */
const ALL_RUNS = 1000;

/** The short name of a run, as tables show it: the end of its id. */
export function runName({ id }: Pick<RunRecord, "id">): string {
  return id.slice(id.lastIndexOf("-") + 1);
}

/** Finds a run by `last`, `last~2` (two before it), its short name, or the start of either its name or its id. */
export function selectRun(cache: Cache, label: string, name: string): Result<RunRecord, Problem> {
  const runs = cache.traces.lastRuns({ pipeline: label, limit: ALL_RUNS });
  const ago = /^last(?:~(\d+))?$/.exec(name);
  const found =
    ago === null
      ? runs.filter((run) => run.id.startsWith(name) || runName(run).startsWith(name))
      : runs.slice(Number(ago[1] ?? 0), Number(ago[1] ?? 0) + 1);
  if (found.length === 1) return success(found[0]!);
  const several = found.slice(0, 5).map(runName).join(", ");
  const latest = runs.slice(0, 5).map(runName).join(", ");
  if (found.length > 1) {
    const message = `"${name}" names ${found.length} runs.`;
    return failure({ code: "ambiguous-run", message, hint: `they are: ${several}` });
  }
  const hint =
    runs.length === 0 ? "no runs are recorded yet" : `the last runs: ${latest}; or last, last~1`;
  return failure({ code: "unknown-run", message: `There is no run "${name}".`, hint });
}
