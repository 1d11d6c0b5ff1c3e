import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const all = ["rows", "clean", "split", "tokenizer", "tokens", "train", "evaluate", "save"];

/** A project whose pipeline has run once. */
async function builtProject(): Promise<ProjectRig> {
  const rig = await ProjectRig.create({ "data.csv": smallData, "x.tune.yaml": smallPipeline });
  assert.deepEqual((await rig.run(["x.tune.yaml"])).executed, all);
  return rig;
}

test("only what changed runs again", async (t) => {
  await using rig = await builtProject();
  const executedWith = async (edit: (text: string) => string, args: readonly string[] = []) => {
    await rig.write({ "x.tune.yaml": edit(smallPipeline) });
    const { executed, exitCode } = await rig.run(["x.tune.yaml", ...args]);
    assert.equal(exitCode, 0);
    return executed;
  };
  const same = (text: string) => text;
  const cases: readonly [string, (text: string) => string, readonly string[], readonly string[]][] =
    [
      ["nothing", same, [], []],
      [
        "a learning rate on the command line",
        same,
        ["--set", "stages.train.with.learning_rate=3e-5"],
        ["train", "evaluate", "save"],
      ],
      ["a comment", (text) => `# about this pipeline\n${text}`, [], []],
      ["1e-4 for 0.0001", (text) => text.replace("0.0001", "1e-4"), [], []],
      [
        "the order of keys",
        (text) => text.replace("uses: clean\n    in: rows", "in: rows\n    uses: clean"),
        [],
        [],
      ],
      [
        "a renamed stage",
        (text) => text.replaceAll("split", "parts").replace("uses: parts", "uses: split"),
        [],
        [],
      ],
      [
        "a default made explicit",
        (text) => text.replace("max_length: 16", "max_length: 16, truncation: true"),
        [],
        [],
      ],
      [
        "a clean rule that changes nothing",
        (text) => text.replace("lowercase]", "lowercase, drop_empty]"),
        [],
        ["clean"],
      ],
      ["where the model is saved", (text) => text.replace("out/small", "out/other"), [], []],
      [
        "the pipeline's seed",
        (text) => text.replace("seed: 7", "seed: 8"),
        [],
        ["split", "tokenizer", "tokens", "train", "evaluate", "save"],
      ],
      [
        "max_length",
        (text) => text.replace("{ max_length: 16 }", "{ max_length: 8 }"),
        [],
        ["tokens", "train", "evaluate", "save"],
      ],
      ["back to the start", same, [], []],
    ];
  for (const [name, edit, args, expected] of cases) {
    await t.test(name, async () => assert.deepEqual(await executedWith(edit, args), expected));
  }
});

test("two runs from scratch give equal lockfiles and equal models", async () => {
  await using one = await builtProject();
  await using two = await builtProject();
  assert.equal(await one.read("x.tune.lock.yaml"), await two.read("x.tune.lock.yaml"));
  for (const file of [
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "README.md",
    "onnx/model.onnx",
  ]) {
    assert.equal(await one.read(`out/small/${file}`), await two.read(`out/small/${file}`), file);
  }
});

test("--frozen reproduces the lockfile elsewhere, never writes it, and names what differs after an edit", async () => {
  await using rig = await builtProject();
  const lock = await rig.read("x.tune.lock.yaml");
  await using clone = await ProjectRig.create({
    "data.csv": smallData,
    "x.tune.yaml": smallPipeline,
    "x.tune.lock.yaml": lock,
  });
  const reproduced = await clone.command(["run", "x.tune.yaml", "--frozen"]);
  assert.equal(reproduced.exitCode, 0, reproduced.stderr);
  assert.match(reproduced.stderr, /Reproduced the lockfile, byte for byte\.\n$/);
  assert.equal(await clone.read("x.tune.lock.yaml"), lock);

  await clone.write({
    "x.tune.yaml": smallPipeline.replace("num_train_epochs: 1", "num_train_epochs: 2"),
    "data.csv": `${smallData}more,game,s1\n`,
  });
  const refused = await clone.command(["run", "x.tune.yaml", "--frozen"]);
  assert.equal(refused.exitCode, 4);
  assert.deepEqual(refused.stderr.replaceAll(/"[0-9a-f]{64}"/g, "DIGEST").split("\n"), [
    "✘ The lockfile would change: 3 fields differ.",
    "    hint: run without --frozen to accept the change, or restore what was locked",
    "    code: lock-differs",
    "    sources.data.csv.sha256: DIGEST -> DIGEST",
    `    sources.data.csv.bytes: ${smallData.length} -> ${smallData.length + 13}`,
    "    stages.train.params.num_train_epochs: 1 -> 2",
    "",
  ]);
  assert.equal(await clone.read("x.tune.lock.yaml"), lock);
});

test("outputs that were deleted are put back; files changed by hand are kept aside", async () => {
  await using rig = await builtProject();
  const card = await rig.read("out/small/README.md");
  await rm(`${rig.folder}/out/small/config.json`);
  await rig.write({ "out/small/README.md": "my own words" });
  assert.deepEqual((await rig.run(["x.tune.yaml"])).executed, []);
  assert.match(await rig.read("out/small/config.json"), /"model_type": "bert"/);
  assert.equal(await rig.read("out/small/README.md"), card);
  assert.equal(await rig.read("out/small/README.md.backup"), "my own words");
});

test("in another cache, or when the cache was deleted, the project's own outputs are known by the lockfile", async () => {
  await using rig = await builtProject();
  const backups = async () =>
    (await readdir(`${rig.folder}/out/small`)).filter((name) => name.includes(".backup"));
  const other = { TUNESMITH_CACHE: "other-cache" };
  await rig.write({ "x.tune.yaml": smallPipeline.replace("seed: 7", "seed: 8") });
  const changed = await rig.command(["run", "x.tune.yaml"], other);
  assert.equal(changed.exitCode, 0, changed.stderr);
  assert.deepEqual(await backups(), []);
  // One file that is not as it was locked: then nothing is taken for granted.
  await rig.write({ "out/small/README.md": "my own words", "x.tune.yaml": smallPipeline });
  await rm(`${rig.folder}/.tunesmith`, { recursive: true });
  await rig.run(["x.tune.yaml"]);
  assert.ok((await backups()).includes("README.md.backup"));
  assert.equal(await rig.read("out/small/README.md.backup"), "my own words");
});

test("Ctrl-C stops within seconds with exit code 130, leaves no process, and the next run goes on", async () => {
  const endless = smallPipeline.replace("num_train_epochs: 1", "num_train_epochs: 100000");
  await using rig = await ProjectRig.create({ "data.csv": smallData, "x.tune.yaml": endless });
  const running = rig.start(["run", "x.tune.yaml", "--json"]);
  await new Promise<void>((resolve) => {
    running.process.stdout!.on(
      "data",
      (text: string) => text.includes('"stage":"train","state":"progress"') && resolve(),
    );
  });
  running.process.kill("SIGINT");
  const { exitCode, stdout } = await running.result;
  assert.equal(exitCode, 130);
  const summary = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  assert.deepEqual(
    [summary.executed, summary.failed, summary.skipped],
    [all.slice(0, 5), ["train"], ["evaluate", "save"]],
  );
  await rig.write({ "x.tune.yaml": smallPipeline });
  assert.deepEqual((await rig.run(["x.tune.yaml"])).cached, all.slice(0, 5));
});
