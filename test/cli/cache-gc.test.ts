import assert from "node:assert/strict";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { manifestPath } from "../../cache/manifest-files.ts";
import { openCache } from "../../cache/open-cache.ts";
import { type CollectFlags, collect } from "../../cli/commands/cache-gc.ts";
import { tidyAfterRun } from "../../cli/tidy-after-run.ts";
import { runCommand } from "../rig/command-rig.ts";
import { pathsBelow } from "../rig/crash-points.ts";
import { keyOf, sampleTrace, treeBytes } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

/** A project with three results of 1 MB each that nobody used for a day, one of them in its lockfile. */
async function project(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t, { "package.json": "{}" });
  const cache = await openCache(join(folder, ".tunesmith"));
  for (const word of ["ash", "elm", "oak"]) {
    const rows = { digest: await cache.blobs.put(Buffer.alloc(1e6, word)), bytes: 1e6 };
    const tree = await cache.blobs.put(treeBytes({ rows }));
    const trace = sampleTrace(word, { outputs: { out: tree } });
    await cache.traces.record(trace);
    const yesterday = new Date(Date.now() - 24 * 3_600_000);
    const { blobs } = cache;
    for (const path of [
      blobs.pathOf(rows.digest),
      blobs.pathOf(tree),
      manifestPath(cache.folder, trace),
    ])
      await utimes(path, yesterday, yesterday);
  }
  cache.close();
  await writeFile(join(folder, "x.tune.lock.yaml"), `key: ${keyOf("elm")}\n`);
  return folder;
}

const gc = (cwd: string, flags: Partial<CollectFlags>, environment = {}) =>
  runCommand({ cwd, environment }, (context) =>
    collect(context, { dryRun: false, json: false, ...flags }),
  );

test("cache gc removes down to the limit and says so; what the lockfile names stays", async (t) => {
  const cwd = await project(t);
  const size = `${(2 * 1e6 + 500) / 1e6}`;
  const dry = await gc(cwd, { dryRun: true }, { TUNESMITH_CACHE_LIMIT: `${size}MB` });
  assert.deepEqual(
    [dry.exitCode, dry.stdout],
    [0, "Would remove 1 result and 2 files, 1.0 MB; 2 results, 2.0 MB, would stay.\n"],
  );
  const done = await gc(cwd, { maxSize: 0 });
  assert.equal(
    done.stdout,
    "Removed 2 results and 4 files, 2.0 MB; 1 result, 1.0 MB, stay.\n" +
      "1 result over the limit of 0 bytes: a lockfile names them, or they were used in the last minutes.\n",
  );
  const json = await gc(cwd, { json: true, maxAge: 0.5 });
  const { bytes, ...report } = JSON.parse(json.stdout);
  assert.deepEqual(report, {
    type: "cache-gc",
    dryRun: false,
    results: { removed: 0, kept: 1 },
    blobs: { removed: 0, kept: 2 },
    protected: 1,
  });
  assert.ok(bytes.kept > 1e6 && bytes.removed === 0);
});

test("after runs, at most once an hour, a cache over its limit is made smaller", async (t) => {
  const cwd = await project(t);
  let now = Date.now();
  const cache = await openCache(join(cwd, ".tunesmith"), { now: () => now });
  t.after(() => cache.close());
  const tidy = async (limit: string) => {
    const environment = { TUNESMITH_CACHE_LIMIT: limit };
    const { stderr } = await runCommand({ cwd, environment }, async (context) => {
      await tidyAfterRun(context, cwd, cache);
      return 0;
    });
    return stderr;
  };
  assert.equal(await tidy("2.5MB"), "");
  now += 3_601_000;
  assert.equal(await tidy("off"), "");
  assert.equal(
    await tidy("2.5MB"),
    "Removed 1 old result, 1.0 MB, from the cache to keep it within 2.5 MB.\n",
  );
  assert.equal(await tidy("1MB"), "");
  assert.equal((await pathsBelow(cache.folder.manifests)).length, 2);
});
