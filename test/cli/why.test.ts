import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { blobPath } from "../../cache/cache-folder.ts";
import type { ExaminedFile } from "../../cli/examine-file.ts";
import { explainStage } from "../../cli/explain-stage.ts";
import { createRunLog } from "../../cli/reporters/run-log.ts";
import { renderExplanation } from "../../cli/text/render-explanation.ts";
import { examinePipeline } from "../../engine/build/examine-pipeline.ts";
import { lockRun } from "../../engine/build/lock-run.ts";
import { rememberLines } from "../../engine/build/source-lines.ts";
import { lockfileText } from "../../engine/lockfile.ts";
import { ownKind } from "../../engine/own-stages/own-kind.ts";
import type { Pipeline, PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { defineStage, type Json } from "../../engine/stage.ts";
import { BuildRig, pipelineOf, stageOf, textArtifact } from "../rig/build-rig.ts";

const text = { type: "string" } as const;
const output = { text: { type: textArtifact, description: "A text." } };

/** A pipeline of two stages, `rows` that reads files and `train` below it, in all that may change about it. */
interface Setting {
  readonly rowsVersion: number;
  readonly trainVersion: number;
  readonly rate?: number;
  readonly seed: number;
  readonly to: string;
  readonly runtime: string;
  readonly names: readonly [rows: string, ...train: readonly string[]];
  readonly files: Readonly<Record<string, string>>;
  /** A stage of the user's own beside them: its files, and the packages that they import. */
  readonly own?: {
    readonly modules: readonly string[];
    readonly packages?: Record<string, string>;
  };
}

const before: Setting = {
  rowsVersion: 1,
  trainVersion: 1,

  seed: 42,
  to: "out",
  runtime: "onnxruntime 1.29.0",
  names: ["rows", "train"],
  files: { "a.csv": "h\n1\n2\n3\n", "model/config.json": "{}" },
};

/** Gives its first letter only, so that what is below may find it equal. */
const rowsKind = (version: number) =>
  defineStage({
    kind: "load",
    version,
    description: "Reads files.",
    params: {
      type: "object",
      properties: { files: text, model: text },
      additionalProperties: false,
    },
    inputs: {},
    outputs: output,
    seeded: false,
    deterministic: true,
    environment: [],
    async run({ params }: { params: { files: string } }) {
      const { readFile } = await import("node:fs/promises");
      return { text: (await readFile(params.files, "utf8")).slice(0, 3) };
    },
  });

const trainKind = (version: number) =>
  defineStage({
    kind: "fine-tune",
    version,
    description: "Trains.",
    params: {
      type: "object",
      properties: { rate: { type: "number", default: 5e-5 }, epochs: { type: "number" }, to: text },
      additionalProperties: false,
    },
    inputs: { dataset: { type: textArtifact, description: "Rows." } },
    outputs: output,
    seeded: true,
    deterministic: true,
    environment: ["compute"],
    destination: "to",
    run: async ({ params }: { params: { rate: number } }) => ({ text: String(params.rate) }),
  });

function stagesOf(setting: Setting, folder: string): readonly PipelineStage[] {
  const [rows, ...trains] = setting.names;
  const source = (at: string, shown: string) => {
    return { at: [at], absolute: join(folder, shown), shown, range: { start: 0, end: 0 } };
  };
  const sources = [source("files", "a.csv"), source("model", "model")];
  const params = { files: "a.csv", model: "model" };
  return [
    stageOf(rowsKind(setting.rowsVersion), rows, params, {}, { sources }),
    ...(setting.own === undefined ? [] : [ownStage(setting.own, folder)]),
    ...trains.map((name, index) =>
      stageOf(
        trainKind(setting.trainVersion),
        name,
        { rate: setting.rate ?? 5e-5, epochs: 3 + index, to: setting.to },
        { dataset: { stage: rows, port: "text" } },
        { seed: setting.seed, ...memberOf(name) },
      ),
    ),
  ];
}

/** A stage "own" in own/stage.ts, without params and inputs. */
function ownStage(
  { modules, packages = {} }: NonNullable<Setting["own"]>,
  folder: string,
): PipelineStage {
  const paths = ["stage.ts", ...modules].map((name) => join(folder, "own", name));
  const names = [".", ...modules];
  const declaration = { version: 1, description: "", inputs: {}, paths: [], env: [] };
  const kind = ownKind(
    "./own/stage.ts",
    {
      modules: names.map((name, i) => ({ name, absolute: paths[i]! })),
      packages,
      declaration: {
        ...declaration,
        params: { type: "object", properties: {}, additionalProperties: false },
        outputs: { text: { type: "text", description: "" } },
        ...{ seeded: false, deterministic: true, environment: [] },
      },
      runsAt: "1:1",
    },
    new Map([["text", textArtifact]]),
  );
  const sources = names.map((module, i) => {
    const shown = `own/${module === "." ? "stage.ts" : module}`;
    return { at: [], module, absolute: paths[i]!, shown, range: { start: 0, end: 0 } };
  });
  const run = async () => ({ text: "own" });
  return stageOf({ ...kind, run }, "own", {}, {}, { sources });
}

function memberOf(name: string): Pick<PipelineStage, "member"> {
  const [of = "", values] = name.split("[");
  return values === undefined
    ? {}
    : { member: { of, values: new Map([["epochs", values.slice(7, -1)]]) } };
}

/** The folder, cache and history in which settings are run and asked about. */
class WhyRig {
  readonly build: BuildRig;

  constructor(build: BuildRig) {
    this.build = build;
  }

  async run(setting: Setting, targets: readonly string[] = []): Promise<void> {
    const pipeline = await this.#pipelineOf(setting);
    const { cache, events } = this.build;
    const facts = factsOf(setting);
    const outcome = await this.build.run(pipeline.stages, { facts, targets });
    const log = createRunLog(cache, "test.tune.yaml");
    for (const event of events) log.report(event);
    log.finish(outcome);
    for (const stage of pipeline.stages) {
      const built = outcome.built.get(stage.name);
      if (built !== undefined) await rememberLines(stage, built.sources, cache);
    }
    await this.build.write(
      "test.tune.lock.yaml",
      lockfileText(lockRun(pipeline, outcome.built, undefined, "1.0.0")),
    );
  }

  /** What `why` prints, digests and times made the same on every machine. */
  async why(setting: Setting, name: string): Promise<string> {
    const pipeline = await this.#pipelineOf(setting);
    const { cache } = this.build;
    const label = "test.tune.yaml";
    const examined = await examinePipeline(pipeline, { cache, facts: factsOf(setting), label });
    const device = { kind: "cpu", threads: 1 };
    const view: ExaminedFile = { file: label, pipeline, cache, label, device, examined };
    const stage = pipeline.stages.find((candidate) => candidate.name === name)!;
    return renderExplanation(await explainStage(view, stage), false)
      .replace(/\d+(\.\d+)? s\b/g, "1 s")
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "TIME")
      .replace(/\b[0-9a-f]{12}\b/g, "KEY");
  }

  async #pipelineOf(setting: Setting): Promise<Pipeline> {
    const { folder } = this.build;
    await rm(join(folder, "model"), { recursive: true, force: true });
    for (const [path, content] of Object.entries(setting.files))
      await writeIn(folder, path, content);
    return pipelineOf(stagesOf(setting, folder), folder);
  }
}

async function writeIn(folder: string, path: string, content: string): Promise<void> {
  const { mkdir, writeFile } = await import("node:fs/promises");
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, path), content);
}

function factsOf({ runtime }: Setting): Readonly<Record<string, Json>> {
  return { compute: { device: "cpu", runtime } };
}

const files = (changed: Record<string, string>) => ({ files: { ...before.files, ...changed } });
const upToDate = `train is up to date: nothing that decides its result has changed.
  key KEY, as when it last ran
  made TIME in 1 s: 1 file, 7 bytes, all in the cache
`;
const above = "stays as it is: rows\n";
const takes = "expected: about 1 s\n";
const afterRows =
  "expected: about 1 s; with all below it about 1 s\nbelow it: train (each runs only if what it reads changes)\n";

/** What changed since the run, which stage is asked about, and the whole answer. */
const cases: readonly [string, Partial<Setting>, string, string][] = [
  ["nothing", {}, "train", `${upToDate}  at their defaults, so no part of the key: rate\n${above}`],
  [
    "a default made explicit",
    { rate: 5e-5 },
    "train",
    `${upToDate}  at their defaults, so no part of the key: rate\n${above}`,
  ],
  [
    "a param",
    { rate: 3e-5 },
    "train",
    `train will run:\n  with.rate: 5e-5 (default) -> 3e-5\n${takes}${above}`,
  ],
  ["the seed", { seed: 7 }, "train", `train will run:\n  seed: 42 -> 7\n${takes}${above}`],
  [
    "rows of a source",
    files({ "a.csv": "h\n1\n3\n4\n5\n" }),
    "rows",
    `rows will run:\n  a.csv changed: 2 lines added, 1 line removed (with.files)\nchanged since the lockfile: a.csv\n${afterRows}`,
  ],
  [
    "what is below a changed source",
    files({ "a.csv": "h\n1\n2\n3\n4\n" }),
    "train",
    `train may run: its input may turn out different, or equal.\n  rows runs before it: a.csv changed: 1 line added (with.files)\n${takes}`,
  ],
  [
    "the order of a source's rows",
    files({ "a.csv": "h\n3\n2\n1\n" }),
    "rows",
    `rows will run:\n  a.csv changed: the same lines in another order (with.files)\nchanged since the lockfile: a.csv\n${afterRows}`,
  ],
  [
    "a file of a model",
    files({ "model/config.json": '{"hidden_size":8}' }),
    "rows",
    `rows will run:\n  model changed (with.model)\nchanged since the lockfile: model/config.json\n${afterRows}`,
  ],
  [
    "a stage's version",
    { trainVersion: 2 },
    "train",
    `train will run:\n  stage fine-tune version 1 -> 2\n${takes}${above}`,
  ],
  [
    "the runtime's version",
    { runtime: "onnxruntime 1.30.0" },
    "train",
    `train will run:\n  compute.runtime: "onnxruntime 1.29.0" -> "onnxruntime 1.30.0"\n${takes}${above}`,
  ],
  [
    "where the output is put",
    { to: "elsewhere" },
    "train",
    `${upToDate}  changed, but does not decide the result: with.to: "out" -> "elsewhere"\n  at their defaults, so no part of the key: rate\n${above}`,
  ],
  [
    "a new member of a matrix",
    { names: ["rows", "train", "train[epochs=4]", "train[epochs=5]"] },
    "train[epochs=4]",
    `train[epochs=4] will run:\n  never ran before: a new member of the matrix, beside 1 other\nstays as it is: rows, train\n`,
  ],
  [
    "the stage's name",
    { names: ["rows", "tuned"] },
    "tuned",
    `tuned is up to date: nothing that decides its result has changed.
  key KEY, as when train last ran
  made TIME in 1 s: 1 file, 7 bytes, all in the cache
  a stage's name is no part of its key
  at their defaults, so no part of the key: rate
${above}`,
  ],
];

test("why: each kind of change is named, with its old and its new value", async (t) => {
  await using build = await BuildRig.create();
  const rig = new WhyRig(build);
  await rig.run(before);
  for (const [name, change, stage, expected] of cases) {
    await t.test(name, async () => {
      assert.equal(await rig.why({ ...before, ...change }, stage), expected);
    });
  }
});

const own: Setting = {
  ...before,
  own: { modules: ["lib/words.ts"], packages: { counter: "1.0.0" } },
  files: { ...before.files, "own/stage.ts": "a\nb\n", "own/lib/words.ts": "c\n" },
};
const ownFiles = (changed: Record<string, string>) => ({ files: { ...own.files, ...changed } });
const besideOwn = "expected: about 1 s\nstays as it is: rows, train\n";

/** What changed of an own stage since the run, and the whole answer. */
const ownCases: readonly [string, Partial<Setting>, string][] = [
  [
    "its file",
    ownFiles({ "own/stage.ts": "a\nb\nd\n" }),
    `own will run:\n  own/stage.ts changed: 1 line added (code)\nchanged since the lockfile: own/stage.ts\n${besideOwn}`,
  ],
  [
    "a file that it imports",
    ownFiles({ "own/lib/words.ts": "e\n" }),
    `own will run:\n  own/lib/words.ts changed: 1 line added, 1 line removed (code.lib/words.ts)\nchanged since the lockfile: own/lib/words.ts\n${besideOwn}`,
  ],
  [
    "a file that it newly imports, in place of another",
    {
      own: { modules: ["lib/more.ts"], packages: { counter: "1.0.0" } },
      ...ownFiles({ "own/lib/more.ts": "c\n" }),
    },
    `own will run:\n  own/lib/more.ts is new (code.lib/more.ts)\n  own/lib/words.ts is gone (code.lib/words.ts)\nchanged since the lockfile: own/lib/more.ts\n${besideOwn}`,
  ],
  [
    "a package that it imports",
    { own: { modules: ["lib/words.ts"], packages: { counter: "1.1.0", other: "2.0.0" } } },
    `own will run:\n  package counter: 1.0.0 -> 1.1.0 (code)\n  package other: not used -> 2.0.0 (code)\n${besideOwn}`,
  ],
  [
    "nothing",
    {},
    `own is up to date: nothing that decides its result has changed.
  key KEY, as when it last ran
  made TIME in 1 s: 1 file, 3 bytes, all in the cache
stays as it is: rows, train
`,
  ],
];

test("why: each kind of change of an own stage's code is named", async (t) => {
  await using build = await BuildRig.create();
  const rig = new WhyRig(build);
  await rig.run(own);
  for (const [name, change, expected] of ownCases) {
    await t.test(name, async () => {
      assert.equal(await rig.why({ ...own, ...change }, "own"), expected);
    });
  }
});

test("why: another output of the stage above, once it is known", async () => {
  await using build = await BuildRig.create();
  const rig = new WhyRig(build);
  await rig.run(before);
  const edited = { ...before, ...files({ "a.csv": "g\n1\n" }) };
  await rig.run(edited, ["rows"]);
  assert.equal(
    await rig.why(edited, "train"),
    `train will run:\n  output of "rows" changed (in.dataset)\n${takes}${above}`,
  );
});

test("why: the stage above ran again and gave the same bytes", async () => {
  await using build = await BuildRig.create();
  const rig = new WhyRig(build);
  await rig.run(before);
  const edited = { ...before, ...files({ "a.csv": "h\n1\n9\n" }) };
  await rig.run(edited);
  assert.equal(
    await rig.why(edited, "train"),
    `${upToDate}  rows ran again and gave the same output\n  at their defaults, so no part of the key: rate\n${above}`,
  );
});

test("why: a stored output that is gone", async () => {
  await using build = await BuildRig.create();
  const rig = new WhyRig(build);
  await rig.run(before);
  const [run] = build.cache.traces.lastRuns();
  const key = run!.stages.find(({ stage }) => stage === "train")!.key!;
  await rm(blobPath(build.cache.folder, build.cache.traces.find(key)[0]!.outputs.text!));
  assert.equal(
    await rig.why(before, "train"),
    `train will run:\n  its stored output is gone\n${takes}${above}`,
  );
});
