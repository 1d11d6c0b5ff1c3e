import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openCache } from "../../cache/open-cache.ts";
import { parseFilter } from "../../cli/collect-metrics.ts";
import { diff } from "../../cli/commands/diff.ts";
import { type MetricsFlags, metrics } from "../../cli/commands/metrics.ts";
import { runCommand } from "../rig/command-rig.ts";
import { ProjectRig } from "../rig/project-rig.ts";

const data = `text,label\n${Array.from({ length: 20 }, (_, n) => `row ${n},${n % 2 ? "a" : "b"}`).join("\n")}\n`;
const pipeline = (minimum: number, train: number) => `name: tiny
stages:
  rows: { uses: load, with: { files: data.csv, text: text, label: label } }
  clean: { uses: clean, in: rows, with: { rules: [{ min_characters: ${minimum} }] } }
  split: { uses: split, in: clean, with: { train: ${train}, test: ${1 - train} } }
`;
const file = "p.tune.yaml";

let rig: ProjectRig;
/** Short names of the runs by what they are called here. */
const names = new Map<string, string>();
before(async () => {
  rig = await ProjectRig.create({ "package.json": "{}", "data.csv": data });
  await rig.write({ [file]: pipeline(1, 0.5) });
  await rig.run([file]);
  await rig.write({ [file]: pipeline(6, 0.25) });
  await rig.run([file]);
  const cache = await openCache(`${rig.folder}/.tunesmith`);
  const [second, first] = cache.traces.lastRuns().map(({ id }) => id.slice(-6));
  cache.close();
  names.set(first!, "FIRST_").set(second!, "SECOND");
});
after(() => rig[Symbol.asyncDispose]());

async function printed(command: Parameters<typeof runCommand>[1], columns = 100) {
  const { exitCode, stdout, stderr } = await runCommand({ cwd: rig.folder, columns }, command);
  let text = stdout.replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "TIME............ UTC");
  for (const [name, called] of names) text = text.replaceAll(name, called);
  return { exitCode, stdout: text, stderr };
}
const shown = (stdout: string) => ({ exitCode: 0, stdout, stderr: "" });

test("diff: params, inputs and metrics of two runs, differences only", async () => {
  const runs = { from: "last~1", to: "last" };
  assert.deepEqual(
    await printed((context) => diff(context, file, runs, { json: false })),
    shown(`FIRST_ (TIME............ UTC) -> SECOND (TIME............ UTC)

stage  differences
clean  with.rules: [{"min_characters":1}] -> [{"min_characters":6}]
       rows: 20 -> 10 (-10)
       dropped: 0 -> 10 (+10)
split  with.train: 0.5 -> 0.25
       with.test: 0.5 -> 0.75
       output of "clean" changed (in.dataset)
       rows_train: 15 -> 5 (-10)

the same: rows
`),
  );
  assert.deepEqual(
    await printed((context) => diff(context, file, { from: "last", to: "last" }, { json: false })),
    shown(`SECOND (TIME............ UTC) -> SECOND (TIME............ UTC)

the same: rows, clean, split
`),
  );
});

test("diff --json: the same for programs", async () => {
  const runs = { from: "last~1", to: "last" };
  const { stdout } = await printed((context) => diff(context, file, runs, { json: true }));
  const { stages, same } = JSON.parse(stdout);
  assert.deepEqual(same, ["rows"]);
  assert.deepEqual(stages[0], {
    stage: "clean",
    state: "changed",
    changes: [
      {
        field: "with.rules",
        text: 'with.rules: [{"min_characters":1}] -> [{"min_characters":6}]',
        from: [{ min_characters: 1 }],
        to: [{ min_characters: 6 }],
      },
    ],
    metrics: [
      { metric: "rows", from: 20, to: 10 },
      { metric: "dropped", from: 0, to: 10 },
    ],
  });
});

test("diff: a run that is not there", async () => {
  const runs = { from: "last~5", to: "last" };
  const { exitCode, stderr } = await printed((context) =>
    diff(context, file, runs, { json: false }),
  );
  const [second, first] = [...names.keys()].reverse();
  assert.deepEqual(
    [exitCode, stderr],
    [
      2,
      `✘ There is no run "last~5".
    hint: the last runs: ${second}, ${first}; or last, last~1
    code: unknown-run
`,
    ],
  );
});

const flags: MetricsFlags = { runs: 20, ascending: false, filter: [], csv: false, json: false };

test("metrics: each result once, in the newest run that used it", async () => {
  assert.deepEqual(
    await printed((context) => metrics(context, file, [], flags), 90),
    shown(`run     started               stage  rows  labels  dropped  rows_train  rows_test
SECOND  TIME............ UTC  rows     20       2
SECOND  TIME............ UTC  clean    10               10
SECOND  TIME............ UTC  split                                  5          5
FIRST_  TIME............ UTC  clean    20                0
FIRST_  TIME............ UTC  split                                 15          5

no room for texts_in_several_splits, largest_label_deviation: --csv has all
`),
  );
});

test("metrics: chosen stages, sorted, filtered, as CSV and JSON", async () => {
  const sorted = { ...flags, sort: "rows_train", csv: true };
  const { stdout } = await printed((context) => metrics(context, file, ["split"], sorted));
  assert.deepEqual(
    stdout
      .split("\r\n")
      .map((line) => line.split(","))
      .map(([run, , stage, , rows]) => [run, stage, rows]),
    [
      ["run", "stage", "rows_train"],
      ["FIRST_", "split", "15"],
      ["SECOND", "split", "5"],
      ["", undefined, undefined],
    ],
  );
  const filtered = { ...flags, filter: ["rows>=20", "dropped < 5"], json: true };
  const found = await printed((context) => metrics(context, file, [], filtered));
  const { type, rows } = JSON.parse(found.stdout);
  assert.deepEqual(
    [
      type,
      rows.map((row: { run: string; stage: string; metrics: object }) => [
        row.run,
        row.stage,
        row.metrics,
      ]),
    ],
    ["metrics", [["FIRST_", "clean", { rows: 20, dropped: 0 }]]],
  );
  assert.deepEqual(
    await printed((context) => metrics(context, file, ["nothing"], flags)),
    shown("no metrics\n"),
  );
});

test("metrics: filters are a metric, a comparison and a number", async () => {
  assert.deepEqual(
    ["accuracy>=0.7", " loss < 1e-3 ", "rows=2", "rows", "a>b", ">3"].map(parseFilter),
    [
      { metric: "accuracy", operator: ">=", value: 0.7 },
      { metric: "loss", operator: "<", value: 1e-3 },
      { metric: "rows", operator: "==", value: 2 },
      undefined,
      undefined,
      undefined,
    ],
  );
  const wrong = { ...flags, filter: ["rows"] };
  assert.deepEqual(await printed((context) => metrics(context, file, [], wrong)), {
    exitCode: 2,
    stdout: "",
    stderr: `✘ The filter "rows" cannot be read.
    hint: write a metric, a comparison and a number: 'accuracy>=0.7'
    code: bad-filter
`,
  });
});
