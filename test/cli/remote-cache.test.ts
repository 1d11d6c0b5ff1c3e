import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { startRemoteServer } from "../rig/remote-server.ts";

const files = {
  "package.json": "{}",
  "data.csv": "text\nhello there\nhello again\n",
  "x.tune.yaml": `name: small
stages:
  rows: { uses: load, with: { files: data.csv, text: text } }
  clean: { uses: clean, in: rows, with: { rules: [lowercase] } }
`,
};
const both = ["rows", "clean"];

test("a key is made, one project pushes as it runs, another takes the results because its settings trust the key", async () => {
  await using server = await startRemoteServer();
  await using ci = await ProjectRig.create(files);
  const made = await ci.command(["cache", "keys", "signing.pem"]);
  assert.match(made.stdout, /^ed25519:[A-Za-z0-9+/]{43}=\n$/);
  assert.equal((await stat(join(ci.folder, "signing.pem"))).mode & 0o777, 0o600);
  assert.equal((await ci.command(["cache", "keys", "signing.pem"])).exitCode, 2);
  const environment = {
    TUNESMITH_REMOTE: server.url.href,
    TUNESMITH_REMOTE_TOKEN: "for-ci-only",
    TUNESMITH_SIGNING_KEY: "signing.pem",
  };
  const tokens = new Set<string | undefined>();
  server.tamper = ({ headers }) => {
    tokens.add(headers.authorization);
    return false;
  };
  assert.deepEqual((await ci.run(["x.tune.yaml"], environment)).executed, both);
  assert.deepEqual([...tokens], ["Bearer for-ci-only"]);
  const again = await ci.command(["cache", "push", "x.tune.yaml"], environment);
  assert.deepEqual([again.exitCode, again.stdout], [0, "0 results pushed, 2 there already.\n"]);

  const lock = await ci.read("x.tune.lock.yaml");
  await using laptop = await ProjectRig.create({ ...files, "x.tune.lock.yaml": lock });
  const settings = `remote:\n  url: ${server.url}\n  trusted_keys: ["${made.stdout.trim()}"]\n`;
  await writeFile(join(laptop.folder, "tunesmith.yaml"), settings);
  // A project's file does not get the user's token sent anywhere.
  tokens.clear();
  const pulled = await laptop.command(["cache", "pull", "x.tune.yaml"], {
    TUNESMITH_REMOTE_TOKEN: "mine",
  });
  assert.equal(
    pulled.stdout,
    "2 results fetched, 0 there already, 0 not to be had.\n",
    pulled.stderr,
  );
  assert.deepEqual([...tokens], [undefined]);
  const run = await laptop.run(["x.tune.yaml", "--frozen"]);
  assert.deepEqual([run.exitCode, run.cached], [0, both]);
  assert.equal((await laptop.command(["cache", "verify"])).exitCode, 0);
  assert.equal(
    (await laptop.command(["cache", "verify"], { TUNESMITH_REMOTE: "off" })).exitCode,
    2,
  );
  const readOnly = await laptop.command(["cache", "push", "x.tune.yaml"]);
  assert.equal(readOnly.exitCode, 2);
  assert.match(readOnly.stderr, /The remote cache is read-only here\./);
});

test("a remote that is not there costs a notice, not the run", async () => {
  await using rig = await ProjectRig.create(files);
  const result = await rig.command(["run", "x.tune.yaml"], {
    TUNESMITH_REMOTE: "http://127.0.0.1:1/",
  });
  assert.equal(result.exitCode, 0);
  assert.match(result.stderr, /remote cache http:\/\/127\.0\.0\.1:1\/: .*cannot be reached/);
});

test("settings that make no sense are refused, with their place", async () => {
  await using rig = await ProjectRig.create(files);
  const refusalOf = async (text: string, environment = {}) => {
    await rig.write({ "tunesmith.yaml": text });
    const { exitCode, stderr } = await rig.command(["run", "x.tune.yaml"], environment);
    assert.equal(exitCode, 2, stderr);
    return stderr.split("\n")[0];
  };
  assert.match(
    (await refusalOf("remote: { uri: x }"))!,
    /tunesmith\.yaml: remote has the keys url/,
  );
  assert.match((await refusalOf("remotes: {}"))!, /has a key "remotes" that is not known/);
  assert.match(
    (await refusalOf("{}", { TUNESMITH_REMOTE: "ftp://x" }))!,
    /is no http, https or s3 URL/,
  );
  assert.match(
    (await refusalOf("remote: { url: 'http://x', trusted_keys: [abc] }"))!,
    /The trusted key "abc" is no public key/,
  );
});
