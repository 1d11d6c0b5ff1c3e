import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exportOutput } from "../../cli/commands/export.ts";
import { plan } from "../../cli/commands/plan.ts";
import { show } from "../../cli/commands/show.ts";
import { status } from "../../cli/commands/status.ts";
import { why } from "../../cli/commands/why.ts";
import { type CommandSetting, runCommand } from "../rig/command-rig.ts";
import { ProjectRig } from "../rig/project-rig.ts";

const data = `text,label\n${Array.from({ length: 20 }, (_, n) => `row ${n},${n % 2 ? "a" : "b"}`).join("\n")}\n`;
const pipeline = (minimum: number) => `name: tiny
stages:
  rows: { uses: load, with: { files: data.csv, text: text, label: label } }
  clean: { uses: clean, in: rows, with: { rules: [{ min_characters: ${minimum} }] } }
  split: { uses: split, in: clean, with: { train: 0.5, test: 0.5 } }
`;

let rig: ProjectRig;
before(async () => {
  rig = await ProjectRig.create({ "package.json": "{}", "data.csv": data });
});
after(() => rig[Symbol.asyncDispose]());

/** What a command prints, its times, digests and the project's path made the same on every machine. */
async function printed(
  command: Parameters<typeof runCommand>[1],
  setting: Partial<CommandSetting> = {},
) {
  const { exitCode, stdout, stderr } = await runCommand({ cwd: rig.folder, ...setting }, command);
  const stable = (text: string) =>
    text
      .replaceAll(rig.folder, "/project")
      .replace(/ +\d+(\.\d+)? s\b/g, " 1 s")
      .replace(/ +(time|expected)\b/g, " $1")
      .replace(/\b[0-9a-f]{6}(?= +(TIME|\d{4}-\d\d-\d\d|\())/g, "RUN-ID")
      .replace(/tunesmith \d+\.\d+\.\d+/g, "tunesmith 1.0.0")
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "TIME")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
      .replace(/("\w*[sS]econds\w*":)[\d.e-]+/g, "$11")
      .replace(/sha256:[0-9a-f]{8,64}/g, "sha256:D")
      .replace(/\b[0-9a-f]{12,64}\b/g, "KEY");
  return { exitCode, stdout: stable(stdout), stderr: stable(stderr) };
}

const file = "p.tune.yaml";
const shown = (stdout: string) => ({ exitCode: 0, stdout, stderr: "" });

test("before the first run: everything is new, nothing is known", async () => {
  await rig.write({ [file]: pipeline(1) });
  assert.deepEqual(
    await printed((context) => plan(context, file, [], { set: [], json: false })),
    shown(`stage  kind   plan      why
rows   load   will run  never ran before
clean  clean  pending   waits for rows
split  split  pending   waits for clean

1 will run, 2 pending: 3 without a past run
`),
  );
  assert.deepEqual(
    await printed((context) => status(context, file, { json: false })),
    shown("tiny: there is no p.tune.lock.yaml yet. It is written by: tunesmith run p.tune.yaml\n"),
  );
  assert.deepEqual(
    await printed((context) => why(context, file, "split", { json: false })),
    shown(`split may run: its input may turn out different, or equal.
  rows runs before it: never ran before
`),
  );
  assert.deepEqual(
    await printed((context) => show(context, file, undefined, { log: false, json: false })),
    shown("no runs are recorded yet: tunesmith run p.tune.yaml\n"),
  );
  const to = { file, output: "split", folder: "out" };
  assert.deepEqual(
    await printed((context) => exportOutput(context, to, { force: false, json: false })),
    {
      exitCode: 1,
      stdout: "",
      stderr: `✘ The stage "split" is not up to date: waits for clean.
    hint: tunesmith run p.tune.yaml split
    code: not-up-to-date
`,
    },
  );
  assert.deepEqual((await readdir(rig.folder)).sort(), ["data.csv", "p.tune.yaml", "package.json"]);
});

test("after a run: everything is up to date, and says since when", async () => {
  assert.deepEqual((await rig.run([file])).executed, ["rows", "clean", "split"]);
  assert.deepEqual(
    await printed((context) => plan(context, file, ["clean"], { set: [], json: false })),
    shown(`stage  kind   plan
rows   load   cached
clean  clean  cached

2 cached
`),
  );
  assert.deepEqual(
    await printed((context) => status(context, file, { json: false })),
    shown("tiny: beside p.tune.lock.yaml, written by tunesmith 1.0.0\n\nunchanged: all stages\n"),
  );
  assert.deepEqual(
    await printed((context) => why(context, file, "clean", { json: false })),
    shown(`clean is up to date: nothing that decides its result has changed.
  key KEY, as when it last ran
  made TIME in 1 s: 2 files, 1.5 KB, all in the cache
below it: split
stays as it is: rows
`),
  );
  const set = ["stages.clean.with.rules=[{min_characters: 6}]"];
  assert.deepEqual(
    await printed((context) => why(context, file, "clean", { set, json: false })),
    shown(`clean will run:
  with.rules: [{"min_characters":1}] -> [{"min_characters":6}]
expected: about 1 s; with all below it about 1 s
below it: split (each runs only if what it reads changes)
stays as it is: rows
`),
  );
});

test("show: the runs, and a stage with all that its result holds", async () => {
  const flags = { log: false, json: false };
  assert.deepEqual(
    await printed((context) => show(context, file, undefined, flags)),
    shown(`run     started time  stages
RUN-ID  TIME 1 s  3 executed

last run  state time  metrics
rows      executed 1 s  rows 20, labels 2
clean     executed 1 s  rows 20, dropped 0
split     executed 1 s  rows_train 15, rows_test 5, texts_in_several_splits 0
`),
  );
  assert.deepEqual(
    await printed((context) => show(context, file, "clean", flags)),
    shown(`clean  clean
state  cached
key    KEY
made   TIME in 1 s

params
  rules:
    - min_characters: 1

inputs
  dataset  rows.dataset  sha256:D

outputs
  dataset (dataset): 1 file, 1.3 KB  sha256:D
    train/rows.jsonl  1.3 KB
  report (report): 1 file, 170 bytes  sha256:D
    report.json  170 bytes

metrics
  rows     20
  dropped  0

report
  rows_before: 20
  rows_after: 20
  rules:
    - rule: "min_characters: 1"
      changed: 0
      dropped: 0
      examples: []
`),
  );
  assert.deepEqual(
    await printed((context) => show(context, file, "clean", { ...flags, log: true })),
    {
      exitCode: 1,
      stdout: "",
      stderr: `✘ There is no log of "clean": it did not say anything in the last runs.
    code: no-log
`,
    },
  );
});

test("show RUN: by its name or counted back from the last", async () => {
  const flags = { log: false, json: false };
  assert.deepEqual(
    await printed((context) => show(context, file, "last", flags)),
    shown(`RUN-ID  TIME, 1 s: 3 executed

stage  state time  metrics
rows   executed 1 s  rows 20, labels 2
clean  executed 1 s  rows 20, dropped 0
split  executed 1 s  rows_train 15, rows_test 5, texts_in_several_splits 0
`),
  );
  const { stdout } = await runCommand({ cwd: rig.folder }, (context) =>
    show(context, file, "last", { log: false, json: true }),
  );
  const { id, stages } = JSON.parse(stdout);
  assert.deepEqual(
    stages.map(({ stage, metrics }: { stage: string; metrics: { rows?: number } }) => {
      return [stage, metrics.rows];
    }),
    [
      ["rows", 20],
      ["clean", 20],
      ["split", undefined],
    ],
  );
  const byName = await printed((context) => show(context, file, id.slice(-6), flags));
  assert.equal(byName.exitCode, 0);
  assert.equal(
    (await printed((context) => show(context, file, "last~7", flags))).stderr.split("\n")[0],
    '✘ There is no run "last~7".',
  );
});

test("show --json is one object", async () => {
  const { stdout } = await printed((context) =>
    show(context, file, "clean", { log: false, json: true }),
  );
  assert.deepEqual(JSON.parse(stdout), {
    type: "show",
    stage: "clean",
    kind: "clean",
    state: "cached",
    reason: "",
    params: { rules: [{ min_characters: 1 }] },
    inputs: { dataset: { stage: "rows", port: "dataset", digest: "sha256:D" } },
    result: {
      key: "KEY",
      finishedAt: "TIME",
      seconds: 1,
      metrics: { rows: 20, dropped: 0 },
      outputs: [
        {
          port: "dataset",
          type: "dataset",
          digest: "sha256:D",
          bytes: 1330,
          files: [{ path: "train/rows.jsonl", bytes: 1330, digest: "sha256:D" }],
        },
        {
          port: "report",
          type: "report",
          digest: "sha256:D",
          bytes: 170,
          files: [{ path: "report.json", bytes: 170, digest: "sha256:D" }],
        },
      ],
      report: {
        rows_before: 20,
        rows_after: 20,
        rules: [{ rule: "min_characters: 1", changed: 0, dropped: 0, examples: [] }],
      },
    },
  });
});

test("export: a split, a port, a whole output; never over other files without --force", async () => {
  const copy = (output: string, folder: string, force = false) =>
    printed((context) => exportOutput(context, { file, output, folder }, { force, json: false }));
  assert.deepEqual(
    await copy("split.test", "out/a"),
    shown("split.dataset.test -> out/a (1 file, 331 bytes)\n"),
  );
  assert.deepEqual(await copy("split", "out/a"), {
    exitCode: 1,
    stdout: "",
    stderr: `✘ out/a holds other files.
    hint: name a folder that is empty or does not exist, or add --force to write into it
    code: folder-not-empty
`,
  });
  await rig.write({ "out/a/mine.txt": "mine", "out/a/test/rows.jsonl": "changed" });
  assert.deepEqual(
    await copy("split", "out/a", true),
    shown("split.dataset -> out/a (2 files, 1.3 KB)\n"),
  );
  assert.deepEqual(
    await copy("split.report", "out/b"),
    shown("split.report -> out/b (1 file, 499 bytes)\n"),
  );
  const written = (await readdir(join(rig.folder, "out"), { recursive: true })).sort();
  assert.deepEqual(written, [
    "a",
    "a/mine.txt",
    "a/test",
    "a/test/rows.jsonl",
    "a/train",
    "a/train/rows.jsonl",
    "b",
    "b/report.json",
  ]);
  assert.equal((await rig.read("out/a/test/rows.jsonl")).length, 331);
});

test("export: what cannot be copied", async () => {
  const messages: [number, string][] = [];
  const wrong = [
    ["split.dataset.elsewhere", "out/c"],
    ["splt", "out/c"],
    ["clean.report.train", "out/c"],
    ["clean", "data.csv"],
  ] as const;
  for (const [output, folder] of wrong) {
    const request = { file, output, folder };
    const { exitCode, stderr } = await printed((context) =>
      exportOutput(context, request, { force: false, json: false }),
    );
    messages.push([exitCode, stderr]);
  }
  assert.deepEqual(messages, [
    [
      1,
      `✘ The output "dataset" of "split" has no split "elsewhere".
    hint: its splits: test, train; its other outputs: report
    code: unknown-output
`,
    ],
    [
      2,
      `✘ There is no stage "splt".
    hint: did you mean "split"?
    code: unknown-stage
`,
    ],
    [
      2,
      `✘ The stage "clean" has no output "report.train".
    hint: did you mean "report"?
    code: unknown-output
`,
    ],
    [
      1,
      `✘ data.csv is not a folder.
    hint: name a folder that is empty or does not exist
    code: not-a-folder
`,
    ],
  ]);
});

test("after edits: what changed, old -> new, and what waits for it", async () => {
  const set = ["stages.split.with.train=0.25", "stages.split.with.test=0.75"];
  assert.deepEqual(
    await printed((context) => plan(context, file, [], { set, json: false })),
    shown(`stage  kind   plan expected  why
rows   load   cached
clean  clean  cached
split  split  will run 1 s  with.train: 0.5 -> 0.25; with.test: 0.5 -> 0.75

1 will run, 2 cached: about 1 s of work
`),
  );
  await rig.write({ [file]: pipeline(6), "data.csv": `${data}one more,a\n` });
  const narrow = `stage  kind   plan expected
rows   load   will run 1 s
  data.csv changed: 1 line added
  (with.files)
clean  clean  pending 1 s
  with.rules: [{"min_characters":1}] ->
  [{"min_characters":6}]; waits for rows
split  split  pending 1 s
  waits for clean

1 will run, 2 pending: about 1 s of work
`;
  assert.deepEqual(
    await printed((context) => plan(context, file, [], { set: [], json: false }), { columns: 40 }),
    shown(narrow),
  );
  assert.deepEqual(
    await printed((context) => status(context, file, { json: false })),
    shown(`tiny: beside p.tune.lock.yaml, written by tunesmith 1.0.0

state     what    name      changes
modified  stage   rows      data.csv changed
modified  stage   clean     with.rules: [{"min_characters":1}] -> [{"min_characters":6}]
pending   stage   split     what it reads may change
modified  source  data.csv

bring all up to date: tunesmith run p.tune.yaml
`),
  );
  assert.deepEqual(
    await printed((context) => why(context, file, "rows", { json: false })),
    shown(`rows will run:
  data.csv changed: 1 line added (with.files)
changed since the lockfile: data.csv
expected: about 1 s; with all below it about 1 s
below it: clean, split (each runs only if what it reads changes)
`),
  );
  assert.deepEqual(
    await printed((context) => why(context, file, "clean", { json: false })),
    shown(`clean will run, after what it reads:
  with.rules: [{"min_characters":1}] -> [{"min_characters":6}]
  rows runs before it: data.csv changed: 1 line added (with.files)
expected: about 1 s; with all below it about 1 s
below it: split (each runs only if what it reads changes)
`),
  );
});

const explained = (minimum: number) => [
  {
    field: "with.rules",
    text: `with.rules: [{"min_characters":1}] -> [{"min_characters":${minimum}}]`,
    from: [{ min_characters: 1 }],
    to: [{ min_characters: minimum }],
  },
];

test("--json says the same for programs", async () => {
  const dataChanged = "data.csv changed: 1 line added (with.files)";
  const json = async (command: Parameters<typeof printed>[0]) =>
    JSON.parse((await printed(command)).stdout);
  assert.deepEqual(await json((context) => plan(context, file, [], { set: [], json: true })), {
    type: "plan",
    pipeline: "tiny",
    stages: [
      {
        stage: "rows",
        kind: "load",
        state: "will-run",
        key: "KEY",
        reason: "changed",
        changes: [{ field: "with.files", text: dataChanged, from: "sha256:D", to: "sha256:D" }],
        expectedSeconds: 1,
      },
      {
        stage: "clean",
        kind: "clean",
        state: "pending",
        upstream: ["rows"],
        changes: explained(6),
        expectedSeconds: 1,
      },
      {
        stage: "split",
        kind: "split",
        state: "pending",
        upstream: ["clean"],
        changes: [],
        expectedSeconds: 1,
      },
    ],
    expectedSeconds: 1,
    unknown: 0,
  });
  const { lockfile, ...found } = await json((context) => status(context, file, { json: true }));
  assert.equal(lockfile.state, "present");
  assert.deepEqual(found, {
    type: "status",
    pipeline: "tiny",
    stages: [
      {
        stage: "rows",
        state: "modified",
        isStored: false,
        changes: [{ field: "with.files", text: "data.csv changed" }],
      },
      { stage: "clean", state: "modified", isStored: false, changes: explained(6) },
      { stage: "split", state: "pending", isStored: false, changes: [] },
    ],
    sources: [{ path: "data.csv", state: "modified" }],
    destinations: [],
  });
  assert.deepEqual(await json((context) => why(context, file, "clean", { json: true })), {
    type: "why",
    stage: "clean",
    state: "pending",
    reason: `${explained(6)[0]?.text}; waits for rows`,
    changes: explained(6),
    changedFiles: [],
    causes: [{ stage: "rows", reason: dataChanged }],
    downstream: ["split"],
    unaffected: [],
    expectedSeconds: 1,
    expectedSecondsWithBelow: 1,
  });
});

test("a run that comes out equal leaves what is below; why tells both changes apart", async () => {
  await rig.write({ "data.csv": data, [file]: pipeline(2) });
  assert.deepEqual((await rig.run([file])).executed, ["clean"]);
  assert.deepEqual(
    await printed((context) => why(context, file, "clean", { json: false })),
    shown(`clean is up to date: nothing that decides its result has changed.
  key KEY, as when it last ran
  made TIME in 1 s: 2 files, 1.5 KB, all in the cache
  before that it was different:
    ${explained(2)[0]?.text}
below it: split
stays as it is: rows
`),
  );
});

test("status: a stage renamed, a lockfile that cannot be read", async () => {
  await rig.write({ [file]: pipeline(2).replace("  split:", "  parts:") });
  assert.deepEqual(
    await printed((context) => status(context, file, { json: false })),
    shown(`tiny: beside p.tune.lock.yaml, written by tunesmith 1.0.0

state    what   name
new      stage  parts
removed  stage  split

unchanged: rows, clean
bring all up to date: tunesmith run p.tune.yaml
`),
  );
  const lock = await rig.read("p.tune.lock.yaml");
  const earlier = lock.replace(/^ +format: auto\n/m, ""); // of a release without that param
  assert.notEqual(earlier, lock);
  await rig.write({ "p.tune.lock.yaml": earlier });
  const beside = await printed((context) => status(context, file, { json: false }));
  assert.match(beside.stdout, /\nunchanged: rows, clean\n/);
  await rig.write({ "p.tune.lock.yaml": `<<<<<<< ours\n${lock}` });
  assert.deepEqual(
    await printed((context) => status(context, file, { json: false })),
    shown(`tiny: The lockfile cannot be read: it holds git conflict markers.
    hint: \`tunesmith run\` of the whole pipeline writes the lockfile anew
`),
  );
});

test("a stage that the file does not have", async () => {
  const unknown = {
    exitCode: 2,
    stdout: "",
    stderr: `✘ p.tune.yaml has no stage "nowhere".
    hint: its stages: rows, clean, parts
    code: unknown-stage
`,
  };
  const commands: Parameters<typeof printed>[0][] = [
    (context) => plan(context, file, ["nowhere"], { set: [], json: false }),
    (context) => why(context, file, "nowhere", { json: false }),
    (context) => show(context, file, "nowhere", { log: false, json: false }),
  ];
  for (const command of commands) assert.deepEqual(await printed(command), unknown);
});
