import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openBlobStore } from "../../cache/open-blob-store.ts";
import { readTree } from "../../engine/build/execute-stage.ts";
import { HostPool } from "../../engine/build/host-pool.ts";

const hostModule = fileURLToPath(new URL("../rig/misbehaving-host.ts", import.meta.url));

/** A pool over an empty cache, and a way to run the stage that misbehaves. */
async function createPool() {
  const folder = await mkdtemp(join(tmpdir(), "tunesmith-hosts-"));
  const pool = new HostPool({
    module: hostModule,
    args: [folder],
    environment: process.env,
    cwd: import.meta.dirname,
  });
  const run = async (
    how: string,
    { signal = new AbortController().signal, gpus }: { signal?: AbortSignal; gpus?: string[] } = {},
  ) => {
    const lines: string[] = [];
    const request = {
      kind: "misbehave",
      params: { how },
      seed: 1,
      inputs: {},
      device: { kind: "cpu", threads: 1, ...(gpus && { gpus }) },
    };
    const outcome = await pool.run(
      request,
      { log: (line) => lines.push(line), progress: () => {} },
      signal,
    );
    return { outcome, lines };
  };
  const textOf = async (how: string, gpus?: string[]) => {
    const { outcome } = await run(how, gpus && { gpus });
    if (outcome.state !== "done") throw new Error(JSON.stringify(outcome));
    return readTree(outcome.result.outputs.text!, await openBlobStore(folder)).readText("text.txt");
  };
  const dispose = async () => {
    pool.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { run, textOf, [Symbol.asyncDispose]: dispose };
}

test("a stage that ends, kills or crashes its process fails alone, with its log; the pool goes on", async () => {
  await using pool = await createPool();
  const failureOf = async (how: string) => {
    const { outcome, lines } = await pool.run(how);
    assert.deepEqual(lines, [`about to ${how}`]);
    return outcome.state === "failed" ? outcome.failure : outcome;
  };
  assert.deepEqual(await failureOf("exit"), {
    reason: "crash",
    problem: {
      code: "host-died",
      message: "The stage's process ended with exit code 3.",
      hint: "the end of its log may tell why",
    },
  });
  assert.deepEqual(await failureOf("kill"), {
    reason: "crash",
    problem: {
      code: "host-died",
      message: "The stage's process was killed by SIGKILL.",
      hint: "the system kills processes when memory runs out: try a smaller batch size or fewer --jobs",
    },
  });
  assert.deepEqual(await failureOf("refuse"), {
    reason: "error",
    problem: { code: "no", message: "It will not.", hint: "ask again" },
  });
  const thrown = await failureOf("throw");
  assert.equal("problem" in thrown && thrown.problem.code, "stage-crashed");
  assert.match("problem" in thrown ? thrown.problem.message : "", /^TypeError: a bug\n {4}at /);
  assert.equal(await pool.textOf("end well"), "end well");
});

test("what a stage prints is in its log", async () => {
  await using pool = await createPool();
  const { lines } = await pool.run("print");
  assert.deepEqual(lines.sort(), ["about to print", "printed"]);
});

test("a process is used again; two at once are two processes", async () => {
  await using pool = await createPool();
  const first = await pool.textOf("pid");
  assert.equal(await pool.textOf("pid"), first);
  const [one, two] = await Promise.all([pool.textOf("pid"), pool.textOf("pid")]);
  assert.equal(new Set([one, two]).size, 2);
});

test("a process keeps to the graphics device that it was started for, and takes stages without one", async () => {
  await using pool = await createPool();
  const gpus = [undefined, ["0"], ["1"], ["0"], undefined, ["1"]];
  const pids: string[] = [];
  for (const one of gpus) pids.push(await pool.textOf("pid", one));
  const names = new Map([...new Set(pids)].map((pid, index) => [pid, index]));
  assert.deepEqual(
    pids.map((pid) => names.get(pid)),
    [0, 1, 2, 1, 1, 2],
  );
});

test("a process that lost its graphics device is not used again", async () => {
  await using pool = await createPool();
  const first = await pool.textOf("pid");
  const { outcome } = await pool.run("lose the device");
  assert.deepEqual(outcome.state === "failed" && outcome.failure, {
    reason: "error",
    problem: { code: "device-lost", message: `Process ${first} lost it.` },
  });
  assert.notEqual(await pool.textOf("pid"), first);
});

test("an interrupted stage that does not listen is killed after the grace time", async () => {
  await using pool = await createPool();
  const interruption = new AbortController();
  setTimeout(() => interruption.abort("SIGINT"), 200);
  const started = performance.now();
  const { outcome } = await pool.run("hang", { signal: interruption.signal });
  assert.equal(outcome.state === "failed" && outcome.failure.reason, "interrupted");
  assert.ok(performance.now() - started < 10_000);
});
