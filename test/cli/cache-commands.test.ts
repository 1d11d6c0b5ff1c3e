import assert from "node:assert/strict";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf, hexOf } from "../../cache/digest.ts";
import { openCache } from "../../cache/open-cache.ts";
import type { TraceKey } from "../../cache/trace-store.ts";
import { listCache } from "../../cli/commands/cache-ls.ts";
import { verify } from "../../cli/commands/cache-verify.ts";
import { doctor } from "../../cli/commands/doctor.ts";
import { examineNode } from "../../cli/doctor/examine-machine.ts";
import { putTree } from "../../engine/build/artifact-tree.ts";
import { runCommand } from "../rig/command-rig.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const finishedAt = "2026-01-02T03:04:05.000Z";
const keyOf = (letter: string) => letter.repeat(64) as TraceKey;

/** A project whose cache holds a result of 1000 bytes for the stage `one` and another that no run has used. */
async function projectWithCache(t: Parameters<typeof temporaryFolder>[0]): Promise<string> {
  const project = await temporaryFolder(t, { "package.json": "{}" });
  const cache = await openCache(join(project, ".tunesmith"));
  for (const [letter, bytes] of [
    ["a", 1000],
    ["b", 10],
  ] as const) {
    const digest = await cache.blobs.put(Buffer.alloc(bytes, letter));
    const tree = { type: "folder", format: 1, files: { "data.bin": { digest, bytes } } };
    const outputs = { folder: await putTree(tree, cache.blobs) };
    const rest = { metrics: {}, facts: {}, recipe: {}, seconds: 1, finishedAt };
    await cache.traces.record({ key: keyOf(letter), outputs, ...rest });
  }
  const startedAt = "2026-03-04T05:06:07.000Z";
  const stages = [{ stage: "one", state: "executed", key: keyOf("a"), seconds: 1 }];
  cache.traces.recordRun({ id: "r", pipeline: "p.tune.yaml", startedAt, seconds: 1, stages });
  cache.close();
  return project;
}

const withoutPath = (text: string, project: string) => text.replaceAll(project, "/project");

test("cache ls: results by pipeline and stage, the largest first", async (t) => {
  const project = await projectWithCache(t);
  const { exitCode, stdout } = await runCommand({ cwd: project }, (context) =>
    listCache(context, { json: false }),
  );
  assert.equal(exitCode, 0);
  assert.equal(
    withoutPath(stdout, project),
    `pipeline           stage  results       size  last used
p.tune.yaml        one          1     1.1 KB  2026-03-04 05:06 UTC
(no recorded run)               1  155 bytes  2026-01-02 03:04 UTC

2 results, 1.3 KB in /project/.tunesmith
`,
  );
});

test("cache ls --project --json: one object a line", async (t) => {
  const project = await projectWithCache(t);
  const { stdout } = await runCommand({ cwd: await temporaryFolder(t) }, (context) =>
    listCache(context, { project, json: true }),
  );
  assert.equal(
    stdout,
    `{"type":"cache-item","pipeline":"p.tune.yaml","stage":"one","results":1,"bytes":1147,"lastUsed":"2026-03-04T05:06:07.000Z"}
{"type":"cache-item","results":1,"bytes":155,"lastUsed":"2026-01-02T03:04:05.000Z"}
`,
  );
});

test("cache: a folder without one", async (t) => {
  const project = await temporaryFolder(t);
  const found = await runCommand({ cwd: "/" }, (context) =>
    verify(context, { project, json: false }),
  );
  const stderr = withoutPath(found.stderr, project);
  assert.deepEqual(
    { ...found, stderr },
    {
      exitCode: 2,
      stdout: "",
      stderr: `✘ There is no cache at /project/.tunesmith.
    hint: name the project's folder with --project; the first run of a pipeline makes its cache
    code: no-cache
`,
    },
  );
  assert.deepEqual(await readdir(project), []);
});

test("cache verify: intact, then with a flipped bit", async (t) => {
  const project = await projectWithCache(t);
  const check = () => runCommand({ cwd: project }, (context) => verify(context, { json: false }));
  const intact = { exitCode: 0, stdout: "4 files and 2 traces are intact.\n", stderr: "" };
  assert.deepEqual(await check(), intact);
  const hex = hexOf(digestOf(Buffer.alloc(1000, "a")));
  const blob = join(project, ".tunesmith/blobs", hex.slice(0, 2), hex.slice(2));
  await chmod(blob, 0o644);
  await writeFile(blob, Buffer.alloc(1000, "A"));
  const found = await check();
  assert.deepEqual(
    { ...found, stdout: withoutPath(found.stdout, project) },
    {
      exitCode: 1,
      stdout: `3 files and 2 traces are intact.
corrupt: blobs/${hex.slice(0, 2)}/${hex.slice(2)}
What is corrupt was moved to /project/.tunesmith/quarantine.
dropped: the result aaaaaaaaaaaa lacks sha256:${hex.slice(0, 12)}
What was lost is made again by the next \`tunesmith run\`. If this repeats, check the disk.
`,
      stderr: "",
    },
  );
  const after = { ...intact, stdout: "3 files and 1 trace are intact.\n" };
  assert.deepEqual(await check(), after);
});

test("doctor: all that is needed works here, and it leaves nothing behind", async (t) => {
  const project = await temporaryFolder(t, { "package.json": "{}" });
  const { exitCode, stdout } = await runCommand({ cwd: project }, (context) =>
    doctor(context, { json: true }),
  );
  const { type, findings } = JSON.parse(stdout) as {
    type: string;
    findings: { name: string; state: string; detail: string }[];
  };
  assert.equal(exitCode, 0);
  assert.equal(type, "doctor");
  const names = ["tunesmith", "node", "machine", "cpu", "webgpu", "cuda", "tfjs-node-gpu"];
  assert.deepEqual(
    findings.map(({ name }) => name),
    [...names, "tokenizers", "sqlite", "cache"],
  );
  const needed = ["cpu", "tokenizers", "sqlite", "cache"];
  assert.deepEqual(
    findings.filter(({ name }) => needed.includes(name)).map(({ state }) => state),
    ["ok", "ok", "ok", "ok"],
  );
  assert.match(findings.at(-1)?.detail ?? "", /\.tunesmith: not there yet, .* free on its disk/);
  assert.deepEqual(await readdir(project), ["package.json"]);
});

test("doctor: a cache that cannot be made is exit code 1 and says what to do", async (t) => {
  const project = await temporaryFolder(t, { "package.json": "{}" });
  const environment = { TUNESMITH_CACHE: "package.json/cache", LANG: "C" };
  const { exitCode, stdout } = await runCommand({ cwd: project, environment }, (context) =>
    doctor(context, { json: false }),
  );
  assert.equal(exitCode, 1);
  const said = stdout.slice(stdout.indexOf("\ncache ")).replace(/\s+/g, " ");
  assert.equal(
    withoutPath(said, project),
    " cache failed /project/package.json/cache: ENOTDIR: not a directory, scandir '/project/package.json/cache' (put the cache elsewhere with the environment variable TUNESMITH_CACHE) does not work: cache ",
  );
});

test("doctor: versions of Node", () => {
  const states = ["v18.20.0", "v20.18.3", "v20.19.0", "v22.0.0", "v24.1.0"].map(
    (version) => examineNode(version).state,
  );
  assert.deepEqual(states, ["failed", "failed", "note", "ok", "ok"]);
});
