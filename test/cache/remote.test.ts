import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf, hexOf } from "../../cache/digest.ts";
import { openCache } from "../../cache/open-cache.ts";
import { downloadBlob } from "../../cache/remote/download.ts";
import { HttpObjects } from "../../cache/remote/http-objects.ts";
import { createIdentity, runOnMachine, shortPatience } from "../rig/remote-machines.ts";
import { startRemoteServer } from "../rig/remote-server.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const all = ["rows", "clean", "left", "right", "tokens", "train", "save"];

test("what one machine pushed, another fetches instead of executing; both end with the same", async (t) => {
  const folder = await temporaryFolder(t);
  await using server = await startRemoteServer();
  const [ci, other] = [createIdentity(), createIdentity()];
  const common = { url: server.url, trusted: [ci] };
  const pushed = await runOnMachine({ ...common, folder: join(folder, "ci"), identity: ci });
  assert.deepEqual([pushed.executed, pushed.problems, pushed.exitBits], [all, [], 0]);
  const fetched = await runOnMachine({ ...common, folder: join(folder, "laptop") });
  assert.deepEqual([fetched.cached, fetched.problems, fetched.exitBits], [all, [], 0]);
  // A reader changes nothing on the server.
  assert.ok(!server.requests.slice(-20).some((request) => request.startsWith("PUT")));
  const before = server.requests.length;
  const again = await runOnMachine({ ...common, folder: join(folder, "laptop") });
  assert.deepEqual([again.cached, server.requests.length], [all, before]);
  // Whoever trusts another signer executes; and one who stops trusting is told by verify.
  const stranger = await runOnMachine({
    ...common,
    trusted: [other],
    folder: join(folder, "stranger"),
  });
  assert.deepEqual([stranger.executed, stranger.problems.length], [all, 3]);
  const distrusting = await runOnMachine({
    ...common,
    trusted: [other],
    folder: join(folder, "laptop"),
  });
  assert.equal(distrusting.exitBits, 2);
});

test("a key that the server has is never written again, by whomever", async (t) => {
  const folder = await temporaryFolder(t);
  await using server = await startRemoteServer();
  const [first, second] = [createIdentity(), createIdentity()];
  const push = (name: string, identity: typeof first) =>
    runOnMachine({ folder: join(folder, name), url: server.url, trusted: [identity], identity });
  await push("first", first);
  const before = new Map(server.objects);
  const run = await push("second", second);
  assert.deepEqual(run.executed, all);
  assert.deepEqual(server.objects, before);
});

test("a download that breaks off goes on where it broke, in this process and in a later one", async (t) => {
  const folder = await temporaryFolder(t);
  await using server = await startRemoteServer();
  const cache = await openCache(join(folder, "cache"));
  t.after(() => cache.close());
  const content = randomBytes(5_000_000);
  const digest = digestOf(content);
  const name = `blobs/${hexOf(digest).slice(0, 2)}/${hexOf(digest).slice(2)}`;
  server.objects.set(name, content);
  const ranges: (string | undefined)[] = [];
  // Each connection breaks after a million bytes.
  server.tamper = ({ headers }, response) => {
    ranges.push(headers.range);
    const from = Number(/\d+/.exec(headers.range ?? "0")![0]);
    const total = { "content-length": content.length - from };
    const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from === 0 ? 200 : 206, from === 0 ? total : { ...total, ...range });
    response.write(content.subarray(from, from + 1_000_000), () => response.destroy());
    return true;
  };
  const objects = new HttpObjects({ base: server.url, patience: shortPatience });
  const wanted = { digest, name, most: 5_000_000, exactly: 5_000_000, ...cache };
  await assert.rejects(downloadBlob(objects, wanted), { name: "RemoteFailure" });
  assert.equal(await cache.blobs.has(digest), false);
  await downloadBlob(objects, wanted);
  assert.deepEqual(Buffer.from(await cache.blobs.read(digest)), content);
  assert.equal(ranges[0], undefined);
  assert.ok(
    ranges.slice(1).every((range) => range !== undefined),
    String(ranges),
  );
  assert.deepEqual(await readdir(cache.folder.temporary), []);
});
