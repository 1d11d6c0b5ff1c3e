import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { findPython } from "../../bench/find-python.ts";
import { folderSource } from "../../models/file-source.ts";
import { formatPretrained, loadPretrained } from "../../models/pretrained.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const python = findPython();
const skip =
  python === undefined && "no Python with transformers: bench/setup-python.sh installs it";
const golden = join(import.meta.dirname, "../golden");
const isCase = /-(classify|tag|answer|mask|generate|translate)$/;

test("Python transformers loads the saved model of every case, whole and with the same outputs", {
  skip,
}, async (t) => {
  const folder = await temporaryFolder(t, {});
  const names = [golden, join(golden, "variants")].map(async (parent) =>
    (await readdir(parent)).filter((name) => isCase.test(name)).map((name) => join(parent, name)),
  );
  const expected: Record<string, unknown> = {};
  for (const source of (await Promise.all(names)).flat()) {
    const target = join(folder, basename(source));
    await mkdir(join(target, "model"), { recursive: true });
    for (const file of ["case.json", "golden.safetensors"])
      await symlink(join(source, file), join(target, file));
    const loaded = await loadPretrained(folderSource(join(source, "model")), { seed: 0 });
    for (const [file, bytes] of formatPretrained(loaded))
      await writeFile(join(target, "model", file), bytes);
    const config = JSON.parse(await readFile(join(source, "model/config.json"), "utf8"));
    expected[basename(source)] = { class: config.architectures[0], loading: {}, isClose: true };
  }
  const script = join(golden, "load_saved.py");
  const folders = Object.keys(expected).map((name) => join(folder, name));
  const options = { env: { ...process.env, HF_HUB_OFFLINE: "1" }, encoding: "utf8" } as const;
  const found = JSON.parse(
    execFileSync(python!, [script, ...folders], { ...options, stdio: ["pipe", "pipe", "ignore"] }),
  ) as Record<string, { class: string; loading: object; error: number }>;
  const compared = Object.entries(found).map(([name, { error, ...rest }]) => {
    return [name, { ...rest, isClose: error < 1e-5 }] as const;
  });
  assert.deepEqual(Object.fromEntries(compared), expected);
});
