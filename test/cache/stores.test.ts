import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { BlobStore } from "../../cache/blob-store.ts";
import { digestOf } from "../../cache/digest.ts";
import { MemoryBlobStore } from "../../cache/memory-blob-store.ts";
import { MemoryTraceStore } from "../../cache/memory-trace-store.ts";
import { openCache } from "../../cache/open-cache.ts";
import { pieceBytes } from "../../cache/pieces.ts";
import type { RunRecord, TraceStore } from "../../cache/trace-store.ts";
import { keyOf, sampleTrace } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

type Stores = { readonly blobs: BlobStore; readonly traces: TraceStore };

const kinds: Record<string, (t: TestContext) => Promise<Stores>> = {
  memory: async () => ({ blobs: new MemoryBlobStore(), traces: new MemoryTraceStore() }),
  disk: async (t) => {
    const cache = await openCache(join(await temporaryFolder(t), "cache"));
    t.after(() => cache.close());
    return cache;
  },
};

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* yielding(pieces: readonly Uint8Array[]) {
  yield* pieces;
}

for (const [kind, open] of Object.entries(kinds)) {
  const suite = (name: string, run: (stores: Stores, t: TestContext) => Promise<void>) =>
    test(`${kind}: ${name}`, async (t) => run(await open(t), t));

  suite("what is put comes back, whatever its size and pieces", async ({ blobs }) => {
    const sizes = [0, 1, 64 * 1024, 64 * 1024 + 1, pieceBytes, pieceBytes + 1, 2 * pieceBytes + 7];
    for (const size of sizes) {
      const bytes = Buffer.alloc(size, `size ${size}`);
      const digest = await blobs.put(bytes);
      assert.equal(digest, digestOf(bytes));
      assert.deepEqual(Buffer.from(await blobs.read(digest)), bytes);
      assert.deepEqual(await gather(blobs.get(digest)), bytes);
      assert.equal(await blobs.has(digest), true);
      assert.equal(await blobs.verify(digest), "intact");
    }
  });

  suite("pieces put as a stream come back as one", async ({ blobs }) => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 8 }), async (pieces) => {
        const digest = await blobs.put(yielding(pieces));
        assert.deepEqual(Buffer.from(await blobs.read(digest)), Buffer.concat(pieces));
      }),
      { numRuns: 30 },
    );
  });

  suite("a stream may reuse one buffer for its pieces", async ({ blobs }) => {
    const reused = new Uint8Array(700_000);
    async function* pieces() {
      for (const value of [1, 2, 3]) yield reused.fill(value);
    }
    const digest = await blobs.put(pieces());
    const expected = Buffer.concat([1, 2, 3].map((value) => Buffer.alloc(700_000, value)));
    assert.equal(digest, digestOf(expected));
    assert.deepEqual(await gather(blobs.get(digest)), expected);
  });

  suite("a stream that fails leaves no blob", async ({ blobs }) => {
    async function* failing() {
      yield Buffer.from("half");
      throw new Error("the producer failed");
    }
    await assert.rejects(blobs.put(failing()), { message: "the producer failed" });
    assert.equal(await blobs.has(digestOf("half")), false);
  });

  suite("a blob that was never put is missing", async ({ blobs }, t) => {
    const digest = digestOf("never put");
    const missing = { code: "blob-missing", digest };
    assert.equal(await blobs.has(digest), false);
    assert.equal(await blobs.verify(digest), "missing");
    await assert.rejects(blobs.read(digest), missing);
    await assert.rejects(gather(blobs.get(digest)), missing);
    await assert.rejects(blobs.materialize(digest, join(await temporaryFolder(t), "x")), missing);
  });

  suite("presence of many blobs is told with their sizes", async ({ blobs }) => {
    const one = { digest: await blobs.put(Buffer.from("one")), size: 3 };
    const three = { digest: await blobs.put(Buffer.from("three")), size: 5 };
    assert.equal(blobs.hasAll([]), true);
    assert.equal(blobs.hasAll([one, three]), true);
    assert.equal(blobs.hasAll([one, { ...three, size: 4 }]), false);
    assert.equal(blobs.hasAll([one, { digest: digestOf("never put") }]), false);
  });

  suite("a file is kept as it is, and comes back as a file", async ({ blobs }, t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "in"), "some text");
    const digest = await blobs.putFile(join(folder, "in"));
    assert.equal(digest, digestOf("some text"));
    await blobs.materialize(digest, join(folder, "out"));
    await writeFile(join(folder, "out"), "edited");
    await blobs.materialize(digest, join(folder, "again"));
    assert.equal(await readFile(join(folder, "again"), "utf8"), "some text");
  });

  suite("a trace comes back as it was recorded", async ({ traces }) => {
    const trace = sampleTrace("a", {
      metrics: { loss: Number.NaN, up: Infinity, down: -Infinity, zero: -0, small: 5e-324 },
      recipe: { nested: [null, true, "é\u2028\ud800", { __proto__x: 1 }] },
    });
    await traces.record(trace);
    assert.deepEqual(traces.find(trace.key), [trace]);
    assert.ok(Object.is(traces.find(trace.key)[0]?.metrics.zero, -0));
    assert.deepEqual(traces.find(keyOf("b")), []);
  });

  suite("random traces come back as they were recorded", async ({ traces }) => {
    const name = fc
      .string({ unit: "binary", maxLength: 12 })
      .filter((text) => text !== "__proto__");
    const parts = fc.record({
      outputs: fc.dictionary(name, fc.string().map(digestOf), { noNullPrototype: true }),
      metrics: fc.dictionary(name, fc.double(), { noNullPrototype: true }),
      recipe: fc.dictionary(name, fc.jsonValue(), { noNullPrototype: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.string(), parts, async (word, changes) => {
        const trace = sampleTrace(word, JSON.parse(JSON.stringify(changes)));
        const exact = { ...trace, metrics: changes.metrics };
        await traces.record(exact);
        assert.deepEqual(
          traces.find(exact.key).find((found) => sameOutputs(found, exact)),
          exact,
        );
      }),
      { numRuns: 50 },
    );
  });

  suite("traces of one key with other outputs stand side by side, newest first", async ({
    traces,
  }) => {
    const older = sampleTrace("a", { finishedAt: "2026-01-01T00:00:00.000Z" });
    const newer = sampleTrace("a", { outputs: { rows: digestOf("other rows") } });
    await traces.record(newer);
    await traces.record(older);
    assert.deepEqual(traces.find(older.key), [newer, older]);
    await traces.forget(newer);
    assert.deepEqual(traces.find(older.key), [older]);
    await traces.forget(newer);
    assert.deepEqual(traces.find(older.key), [older]);
  });

  suite("a trace of equal key and outputs replaces the old one", async ({ traces }) => {
    await traces.record(sampleTrace("a", { seconds: 9 }));
    const { rows, report } = sampleTrace("a").outputs;
    await traces.record(
      sampleTrace("a", { seconds: 2, outputs: { report: report!, rows: rows! } }),
    );
    assert.deepEqual(traces.find(keyOf("a")), [sampleTrace("a", { seconds: 2 })]);
  });

  suite("runs and what their stages used are told newest first", async ({ traces }) => {
    await traces.record(sampleTrace("old"));
    await traces.record(sampleTrace("new"));
    const run = (id: string, pipeline: string, word: string): RunRecord => ({
      id,
      pipeline,
      startedAt: "2026-01-02T03:04:05.678Z",
      seconds: 2,
      stages: [
        { stage: "clean", state: "executed", key: keyOf(word), seconds: 1, log: `${id}/clean.log` },
        { stage: "split", state: "failed", seconds: 1, reason: "exit" },
      ],
    });
    const runs = [
      run("1", "a.tune.yaml", "old"),
      run("2", "a.tune.yaml", "new"),
      run("3", "b.tune.yaml", "old"),
      run("4", "a.tune.yaml", "new"),
      run("5", "a.tune.yaml", "never recorded"),
    ];
    for (const each of runs) traces.recordRun(each);
    const clean = { pipeline: "a.tune.yaml", stage: "clean" };
    assert.deepEqual(traces.recent(clean), [sampleTrace("new"), sampleTrace("old")]);
    assert.deepEqual(traces.recent({ ...clean, limit: 2 }), [sampleTrace("new")]);
    assert.deepEqual(traces.recent({ ...clean, stage: "split" }), []);
    assert.deepEqual(traces.lastRuns(), [...runs].reverse());
    assert.deepEqual(traces.lastRuns({ pipeline: "b.tune.yaml" }), [runs[2]]);
    assert.deepEqual(traces.lastRuns({ limit: 1 }), [runs[4]]);
  });
}

function sameOutputs(a: { outputs: object }, b: { outputs: object }): boolean {
  const sorted = (outputs: object) => JSON.stringify(Object.entries(outputs).sort());
  return sorted(a.outputs) === sorted(b.outputs);
}
