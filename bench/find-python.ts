import { existsSync } from "node:fs";
import { join } from "node:path";

/** A Python with the peers of setup-python.sh: TUNESMITH_BENCH_PYTHON, or the one that script makes; undefined where there is none. */
export function findPython(): string | undefined {
  const chosen = process.env.TUNESMITH_BENCH_PYTHON;
  if (chosen !== undefined && chosen !== "") return chosen;
  const own = join(import.meta.dirname, ".venv/bin/python");
  return existsSync(own) ? own : undefined;
}
