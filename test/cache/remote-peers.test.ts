import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { usualPatience } from "../../cache/remote/http-exchange.ts";
import { s3Objects } from "../../cache/remote/s3-objects.ts";
import { createIdentity, type MachineOptions, runOnMachine } from "../rig/remote-machines.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const all = ["rows", "clean", "left", "right", "tokens", "train", "save"];
const moto = process.env.TUNESMITH_MOTO_SERVER ?? "moto_server";

const skipUnless = (program: string, argument: string) =>
  spawnSync(program, [argument]).error === undefined ? false : `${program} is not installed`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until a server answers anything, and ends it after the test. */
async function untilAnswers(t: TestContext, server: ChildProcess, url: URL): Promise<void> {
  t.after(() => server.kill());
  for (;;) {
    assert.equal(server.exitCode, null, "the server ended");
    try {
      await fetch(url);
      return;
    } catch {
      await wait(50);
    }
  }
}

/** One machine pushes, a second fetches all, a third with another key can replace nothing. */
async function assertShares(t: TestContext, remote: Pick<MachineOptions, "url" | "objects">) {
  const folder = await temporaryFolder(t);
  const [ci, other] = [createIdentity(), createIdentity()];
  const common = { ...remote, patience: usualPatience };
  const pushed = await runOnMachine({
    ...common,
    folder: join(folder, "ci"),
    trusted: [ci],
    identity: ci,
  });
  assert.deepEqual([pushed.executed, pushed.problems], [all, []]);
  await runOnMachine({
    ...common,
    folder: join(folder, "other"),
    trusted: [other],
    identity: other,
  });
  const fetched = await runOnMachine({ ...common, folder: join(folder, "laptop"), trusted: [ci] });
  assert.deepEqual([fetched.cached, fetched.problems, fetched.exitBits], [all, [], 0]);
}

/** An nginx that stores what is PUT, each name once. */
const nginxText = (folder: string, port: number) => `
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off; client_max_body_size 0;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    root ${folder}/objects;
    dav_methods PUT;
    create_full_put_path on;
    set $once $request_method;
    if (-f $request_filename) { set $once "$once-there"; }
    if ($once = PUT-there) { return 412; }
  }
}
`;

test("a real nginx with WebDAV", { skip: skipUnless("nginx", "-v") }, async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "objects"));
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  const text = `${isRoot ? "user root;" : ""}${nginxText(folder, port)}`;
  await writeFile(join(folder, "nginx.conf"), text);
  const server = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: "ignore",
  });
  const url = new URL(`http://127.0.0.1:${port}/`);
  await untilAnswers(t, server, url);
  await assertShares(t, { url });
});

test("a real S3-compatible server, moto", { skip: skipUnless(moto, "--help") }, async (t) => {
  const port = await freePort();
  const server = spawn(moto, ["-H", "127.0.0.1", "-p", `${port}`], { stdio: "ignore" });
  const url = new URL(`http://127.0.0.1:${port}/`);
  await untilAnswers(t, server, url);
  await fetch(new URL("/bucket", url), { method: "PUT" });
  const objects = s3Objects({
    endpoint: url,
    bucket: "bucket",
    prefix: "tunesmith",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    patience: usualPatience,
  });
  await assertShares(t, { url, objects });
});
