import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nodeFileSystem } from "../../cache/file-system.ts";
import { openCache } from "../../cache/open-cache.ts";
import { ProjectRig, type StartOptions } from "../rig/project-rig.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const files = {
  "package.json": "{}",
  "rows/b.csv": `text,label\n${Array.from({ length: 60 }, (_, n) => `"wörter in row ${n}",${n % 2 ? "tool" : "game"}`).join("\n")}\n`,
  "rows/a.csv": `text,label\n${Array.from({ length: 60 }, (_, n) => `"Zeile ${n} ı İ ß",${n % 2 ? "tool" : "game"}`).join("\n")}\n`,
  "x.tune.yaml": `name: elsewhere
stages:
  rows: { uses: load, with: { files: [rows/b.csv, rows/a.csv], text: text, label: label } }
  clean: { uses: clean, in: rows, with: { rules: [unicode_nfc, lowercase] } }
  split: { uses: split, in: clean, with: { train: 0.6, validation: 0.2, test: 0.2, stratify: label } }
  tokenizer: { uses: train-tokenizer, in: split, with: { vocab_size: 120 } }
  tokens: { uses: tokenize, in: { dataset: split, tokenizer: tokenizer }, with: { max_length: 16 } }
`,
};
const all = ["rows", "clean", "split", "tokenizer", "tokens"];
const lock = "x.tune.lock.yaml";

const isInstalled = (program: string) => spawnSync(program, ["--version"]).status === 0;
const isRoot = process.platform === "linux" && process.getuid?.() === 0;

interface Elsewhere extends StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly skip?: string | false;
}

const places: Readonly<Record<string, Elsewhere>> = {
  "another path": {},
  "another home and user name": {
    environment: { HOME: "/nowhere", USER: "someone", LOGNAME: "someone" },
  },
  "another time zone": { environment: { TZ: "Pacific/Kiritimati" } },
  "the Turkish locale": { environment: { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" } },
  "the C locale": { environment: { LANG: "C", LC_ALL: "C" } },
  "a closed umask": { shell: "umask 0077" },
  "one processor": { shell: 'command -v taskset >/dev/null && exec taskset -c 0 "$@"' },
  "a clock ten years ahead": {
    prefix: ["faketime", "-f", "+10y"],
    skip: isInstalled("faketime") ? false : "faketime is not installed",
  },
  "a clock ten years back": {
    prefix: ["faketime", "-f", "-10y"],
    skip: isInstalled("faketime") ? false : "faketime is not installed",
  },
  "another user": {
    prefix: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    environment: { HOME: "/nowhere" },
    skip: isRoot ? false : "needs root on Linux",
  },
};

test("under other circumstances all keys hit, and a run from scratch gives the same lockfile, byte for byte", async (t) => {
  await using here = await ProjectRig.create(files);
  await chmod(here.folder, 0o777);
  const shared = { TUNESMITH_CACHE: join(here.folder, "cache") };
  assert.deepEqual((await here.run(["x.tune.yaml"], shared)).executed, all);
  const expected = await here.read(lock);
  for (const [name, { environment, skip = false, ...start }] of Object.entries(places)) {
    await t.test(name, { skip }, async () => {
      await using there = await ProjectRig.create();
      await mkdir(join(there.folder, "a folder elsewhere", "rows"), { recursive: true });
      for (const [path, content] of Object.entries(files))
        await there.write({ [`a folder elsewhere/${path}`]: content });
      if (name === "another user") await giveAway(there.folder);
      const file = "a folder elsewhere/x.tune.yaml";
      const lockThere = `a folder elsewhere/${lock}`;
      const hit = await there.command(
        ["run", file, "--json"],
        { ...environment, ...shared },
        start,
      );
      assert.match(hit.stdout, /"executed":\[\],/, hit.stderr);
      assert.equal(await there.read(lockThere), expected);
      const own = { ...environment, TUNESMITH_CACHE: join(there.folder, "own") };
      const again = await there.command(["run", file, "--json", "--frozen"], own, start);
      assert.equal(again.exitCode, 0, again.stderr);
      assert.match(again.stdout, /"cached":\[\],/);
      assert.equal(await there.read(lockThere), expected);
    });
  }
});

async function giveAway(folder: string): Promise<void> {
  await chown(folder, 65534, 65534);
  for (const name of await readdir(folder, { recursive: true }))
    await chown(join(folder, name), 65534, 65534);
}

test("the order in which a folder lists its files changes no digest", async (t) => {
  const root = await temporaryFolder(t, { "f/b": "1", "f/a": "2", "f/ä/c": "3", "f/Z": "4" });
  const digests = new Set<string>();
  for (const order of [1, -1]) {
    const fileSystem = {
      ...nodeFileSystem,
      readdir: async (path: string) =>
        [...(await nodeFileSystem.readdir(path))].sort((a, b) =>
          a.name < b.name ? -order : order,
        ),
    };
    const cache = await openCache(join(root, `cache ${order}`), { fileSystem });
    digests.add((await cache.files.ofFolder(join(root, "f"))).digest);
    cache.close();
  }
  assert.equal(digests.size, 1);
});
