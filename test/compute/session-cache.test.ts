import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionCache } from "../../compute/session-cache.ts";

test("compiles once for each key, and releases what was used longest ago, before it compiles", async () => {
  const events: string[] = [];
  const cache = new SessionCache(2);
  const use = async (key: string) => {
    const executable = await cache.get(key, async () => {
      events.push(`compile ${key}`);
      return {
        run: async () => ({ [key]: { dtype: "float32", shape: [], data: new Float32Array(1) } }),
        release: async () => void events.push(`release ${key}`),
      };
    });
    events.push(`run ${Object.keys(await executable.run({}))}`);
  };
  for (const key of ["a", "b", "a", "c", "a", "b"]) await use(key);
  await cache.clear();
  assert.deepEqual(events, [
    "compile a",
    "run a",
    "compile b",
    "run b",
    "run a",
    "release b",
    "compile c",
    "run c",
    "run a",
    "release c",
    "compile b",
    "run b",
    "release a",
    "release b",
  ]);
});
