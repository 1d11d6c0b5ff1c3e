import assert from "node:assert/strict";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const root = new URL("../../", import.meta.url).href;

/** Writes the address of every module that is loaded to stderr. */
const hooks = `import { writeSync } from "node:fs";
export function load(url, context, nextLoad) {
  writeSync(2, "loaded " + url.split("?")[0] + "\\n");
  return nextLoad(url, context);
}`;
const register = `import { register } from "node:module";
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;

/** What a command line loads: packages by name, and the project's own files. */
async function loadedBy(args: readonly string[]) {
  await using rig = await ProjectRig.create({
    "small.tune.yaml": smallPipeline,
    "data.csv": smallData,
    "register.mjs": register,
  });
  const { stderr, exitCode } = await rig.command(args, {
    NODE_OPTIONS: `--import=${JSON.stringify(`${rig.folder}/register.mjs`)}`,
  });
  assert.equal(exitCode, 0, stderr);
  const urls = [...new Set(stderr.match(/(?<=^loaded )file:.*$/gm))];
  const packages = urls.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  return {
    packages: [...new Set(packages)].filter((name) => !development.includes(name)).sort(),
    files: urls.filter((url) => url.startsWith(root) && !url.includes("/node_modules/")),
  };
}

/** What runs the sources without a build. */
const development = ["esbuild", "tsx"];
/** What builds graphs, models and trainings; hosts load it. */
const heavy = /\/(compute\/(graph|ops|gradients|onnx)|models\/(bert|layers)|training\/fine-tune)\b/;

test("a command that only reads a pipeline loads no native library, no validator and nothing that computes", async () => {
  const { packages, files } = await loadedBy(["validate", "small.tune.yaml"]);
  assert.deepEqual(packages, ["commander", "fastest-levenshtein", "picocolors", "yaml"]);
  assert.ok(files.includes(`${root}cli/commands/validate.ts`));
  assert.deepEqual(
    files.filter((url) => heavy.test(url)),
    [],
  );
});

test("a run's own process loads SQLite beside that, and what queues stages", async () => {
  const { packages, files } = await loadedBy(["run", "small.tune.yaml", "rows"]);
  assert.deepEqual(packages, [
    ...["better-sqlite3", "commander", "eventemitter3", "fastest-levenshtein"],
    ...["p-queue", "p-timeout", "picocolors", "yaml"],
  ]);
  assert.deepEqual(
    files.filter((url) => heavy.test(url)),
    [],
  );
});
