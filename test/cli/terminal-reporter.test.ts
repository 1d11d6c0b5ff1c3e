import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Event, StageEvent } from "../../engine/event.ts";
import { createReporterRig, pipelineOf, type ReporterSetting } from "../rig/reporter-rig.ts";

const key = "a".repeat(64);
const pipeline = pipelineOf([
  { name: "rows", uses: "load" },
  { name: "train", uses: "fine-tune" },
  {
    name: "evaluate",
    uses: "evaluate",
    gates: [{ metric: "macro_f1", operator: ">=", value: 0.6, range: { start: 0, end: 0 } }],
  },
  { name: "save", uses: "save", destination: { absolute: "/project/out/m", shown: "out/m" } },
]);

const progress = (done: number, metrics: Record<string, number>): StageEvent => ({
  type: "stage",
  stage: "train",
  state: "progress",
  progress: { done, total: 300, unit: "steps", metrics },
});

/** A run of 82 seconds: each event and how many seconds pass before it. */
const events: readonly (readonly [seconds: number, event: Event])[] = [
  [
    0,
    {
      type: "stage",
      stage: "rows",
      state: "cached",
      key,
      seconds: 0.01,
      reason: "up-to-date",
      metrics: { rows: 11660 },
    },
  ],
  [
    0,
    {
      type: "stage",
      stage: "train",
      state: "started",
      key,
      reason: "new",
      why: "with.learning_rate: 5e-5 -> 3e-5",
      expectedSeconds: 80.2,
    },
  ],
  [2, progress(0, {})],
  [4, progress(60, { loss: 0.69123456, tokens_per_second: 5120.4 })],
  [10, progress(210, { loss: 0.4321, tokens_per_second: 5200 })],
  [
    0,
    {
      type: "notice",
      code: "source-changed",
      stage: "train",
      message: "rows.csv changed meanwhile.",
    },
  ],
  [6, progress(300, { loss: 0.2 })],
  [
    0,
    {
      type: "stage",
      stage: "train",
      state: "executed",
      key,
      seconds: 80.4,
      reason: "new",
      metrics: { train_loss: 0.35126, steps: 300, epochs: 3, learning_rate: 3e-5 },
    },
  ],
  [0, { type: "stage", stage: "evaluate", state: "started", key, reason: "new" }],
  [
    1.5,
    {
      type: "stage",
      stage: "evaluate",
      state: "executed",
      key,
      seconds: 1.46,
      reason: "new",
      metrics: { loss: 0.5, accuracy: 0.81234, weighted_f1: 0.8, macro_f1: 0.7009 },
    },
  ],
  [
    0,
    {
      type: "stage",
      stage: "save",
      state: "cached",
      key,
      seconds: 0.01,
      reason: "up-to-date",
      metrics: {},
    },
  ],
  [
    0,
    {
      type: "summary",
      executed: ["train", "evaluate"],
      cached: ["rows", "save"],
      failed: [],
      skipped: [],
      seconds: 82.13,
    },
  ],
];

function play(t: TestContext, setting: ReporterSetting, count = events.length) {
  const rig = createReporterRig(t, pipeline, setting);
  for (const [seconds, event] of events.slice(0, count)) {
    rig.clock.advance(seconds);
    rig.reporter.report(event);
  }
  return rig;
}

const table = `stage     kind       state       time  metrics
rows      load       cached            rows 11660
train     fine-tune  executed  1m 20s  train_loss 0.3513, steps 300, epochs 3
evaluate  evaluate   executed   1.5 s  macro_f1 0.7009, accuracy 0.8123, loss 0.5
save      save       cached

save -> out/m
2 executed, 2 cached in 1m 22s
`;

test("plain lines, 100 columns", (t) => {
  const { written } = play(t, { columns: 100 });
  assert.equal(
    written.stderr,
    `train     running: with.learning_rate: 5e-5 -> 3e-5 (about 1m 20s)
train     210/300 steps (70%), 15 steps/s, about 6 s left, loss 0.4321, tokens_per_second 5200
note: rows.csv changed meanwhile.
train     executed in 1m 20s: train_loss 0.3513, steps 300, epochs 3
evaluate  running: its first run
evaluate  executed in 1.5 s: macro_f1 0.7009, accuracy 0.8123, loss 0.5
`,
  );
  assert.equal(written.stdout, table);
});

test("plain lines, 40 columns: lines that stay are never cut, metrics stand below", (t) => {
  const { written } = play(t, { columns: 40 });
  assert.equal(written.stderr, play(t, { columns: 100 }).written.stderr);
  assert.equal(
    written.stdout,
    `stage     kind       state       time
rows      load       cached
  rows 11660
train     fine-tune  executed  1m 20s
  train_loss 0.3513, steps 300, epochs 3
evaluate  evaluate   executed   1.5 s
  macro_f1 0.7009, accuracy 0.8123,
  loss 0.5
save      save       cached

save -> out/m
2 executed, 2 cached in 1m 22s
`,
  );
});

test("interactive, 100 columns: live lines below what stays, then only what stays", (t) => {
  const shown = [2, 3, 4, 5, 6].map((count) => {
    const { screen, clock } = play(t, { columns: 100, interactive: true }, count);
    clock.advance(0.1);
    return [screen.isCursorHidden, screen.text.split("\n").slice(1).join("|")];
  });
  const bar = (done: number) => "━".repeat(done) + "─".repeat(20 - done);
  assert.deepEqual(shown, [
    [true, "train     0 s of about 1m 20s|"],
    [true, `train     ${bar(0)}   0%  0/300 steps|`],
    [
      true,
      `train     ${bar(4)}  20%  16 s left  loss 0.6912, tokens_per_second 5120  60/300 steps|`,
    ],
    [
      true,
      `train     ${bar(14)}  70%  6 s left  loss 0.4321, tokens_per_second 5200  210/300 steps|`,
    ],
    [
      true,
      `note: rows.csv changed meanwhile.|train     ${bar(14)}  70%  6 s left  loss 0.4321, tokens_per_second 5200  210/300 steps|`,
    ],
  ]);
  const { screen, written, clock } = play(t, { columns: 100, interactive: true });
  assert.equal(screen.isCursorHidden, false);
  assert.equal(clock.isWaitedFor, false);
  assert.equal(written.stdout, table);
  assert.equal(
    screen.text,
    `train     running: with.learning_rate: 5e-5 -> 3e-5 (about 1m 20s)
note: rows.csv changed meanwhile.
train     executed in 1m 20s: train_loss 0.3513, steps 300, epochs 3
evaluate  running: its first run
evaluate  executed in 1.5 s: macro_f1 0.7009, accuracy 0.8123, loss 0.5
`,
  );
});

test("interactive, 40 columns: a live line keeps bar, share and remaining time, and never wraps", (t) => {
  const { screen } = play(t, { columns: 40, interactive: true }, 5);
  assert.equal(screen.text.split("\n").at(-2), "train     ━━━━━━──  70%  6 s left");
});

test("a locale without Unicode gets an ASCII bar", (t) => {
  const { screen } = play(t, { columns: 40, interactive: true, environment: { LANG: "C" } }, 5);
  assert.equal(screen.text.split("\n").at(-2), "train     ======--  70%  6 s left");
});

test("a terminal that becomes narrower keeps no remains of wider lines", (t) => {
  const { screen, reporter, clock } = play(t, { columns: 100, interactive: true }, 5);
  screen.columns = 30;
  clock.advance(1);
  reporter.report(progress(240, { loss: 0.3 }));
  clock.advance(1);
  assert.equal(
    screen.text,
    `train     running: with.learning_rate: 5e-5 -> 3e-5 (about 1m 20s)
train     ━━━━━━──  80%
`,
  );
});

test("a terminal is written to at most ten times a second", (t) => {
  const { screen, reporter, clock } = play(t, { columns: 100, interactive: true }, 3);
  const before = screen.writes;
  for (let step = 0; step < 300; step++) {
    reporter.report(progress(step, { loss: 1 / (step + 1) }));
    clock.advance(0.01);
  }
  const writes = screen.writes - before;
  assert.ok(writes > 20 && writes <= 31, `${writes} writes in 3 seconds`);
});

test("more running stages than fit are counted", (t) => {
  const names = Array.from({ length: 12 }, (_, n) => `stage-${n}`);
  const many = pipelineOf(names.map((name) => ({ name, uses: "load" })));
  const { reporter, screen, clock } = createReporterRig(t, many, {
    columns: 60,
    interactive: true,
  });
  for (const stage of names)
    reporter.report({ type: "stage", stage, state: "started", key, reason: "new" });
  clock.advance(0.2);
  const live = names.slice(0, 8).map((name) => `${name.padEnd(8)}  0 s`);
  assert.deepEqual(screen.text.split("\n").slice(12), [...live, "and 4 more", ""]);
});

test("wide characters keep the columns aligned", (t) => {
  const wide = pipelineOf([
    { name: "データ", uses: "load" },
    { name: "split", uses: "split" },
  ]);
  const { reporter, written } = createReporterRig(t, wide, { columns: 60 });
  const executed = { state: "executed", key, seconds: 1, reason: "new", metrics: {} } as const;
  reporter.report({ type: "stage", stage: "データ", ...executed });
  reporter.report({ type: "stage", stage: "split", ...executed });
  const lists = { cached: [], failed: [], skipped: [], seconds: 2 };
  reporter.report({ type: "summary", executed: ["データ", "split"], ...lists });
  assert.equal(written.stderr, "データ  executed in 1.0 s\nsplit   executed in 1.0 s\n");
  assert.equal(
    written.stdout,
    `stage   kind   state      time
データ  load   executed  1.0 s
split   split  executed  1.0 s

2 executed in 2.0 s
`,
  );
});

test("a failure shows message, hint and code; after a crash also the end of the log, without escape sequences", (t) => {
  const { reporter, written } = createReporterRig(t, pipeline, { columns: 100 });
  const failed = { type: "stage", state: "failed", key, seconds: 1.25 } as const;
  const hint = "lower the learning rate";
  reporter.report({
    ...failed,
    stage: "evaluate",
    reason: "error",
    problem: { code: "non-finite-metric", message: "The metric is \u001b[31mNaN\u001b[0m.", hint },
  });
  for (let line = 1; line <= 12; line++) {
    const text = `line ${line}\u001b]0;title\u0007\t!`;
    reporter.report({ type: "stage", stage: "train", state: "log", line: text });
  }
  const message = "The stage's process was killed by SIGKILL.";
  reporter.report({
    ...failed,
    stage: "train",
    reason: "crash",
    problem: { code: "host-died", message },
  });
  reporter.report({
    type: "stage",
    stage: "save",
    state: "skipped",
    reason: "upstream-failed",
    because: "train",
  });
  reporter.report({
    type: "summary",
    executed: [],
    cached: [],
    failed: ["train", "evaluate"],
    skipped: ["save"],
    seconds: 3,
  });
  assert.equal(
    written.stderr,
    `✘ evaluate: The metric is NaN.
    hint: lower the learning rate
    code: non-finite-metric
✘ train: The stage's process was killed by SIGKILL.
    code: host-died
    the end of its log:
${Array.from({ length: 10 }, (_, n) => `    | line ${n + 3}  !\n`).join("")}    all of it: tunesmith show p.tune.yaml train --log
save      skipped: "train" did not finish
`,
  );
  assert.equal(
    written.stdout,
    `stage     kind       state     time
train     fine-tune  failed   1.3 s
evaluate  evaluate   failed   1.3 s
save      save       skipped

2 failed, 1 skipped in 3.0 s
`,
  );
});

test("a damaged input that heals is no failure; the executed state stays", (t) => {
  const { reporter, written } = createReporterRig(t, pipeline, { columns: 100 });
  const problem = { code: "blob-corrupt", message: "sha256:ab is corrupt in the cache." };
  const stage = "rows";
  reporter.report({
    type: "stage",
    stage,
    state: "executed",
    key,
    seconds: 2,
    reason: "new",
    metrics: {},
  });
  reporter.report({
    type: "stage",
    stage: "train",
    state: "failed",
    seconds: 0,
    reason: "blob-missing",
    problem,
  });
  reporter.report({
    type: "notice",
    code: "healing",
    message: "The stage that makes it runs again.",
  });
  reporter.report({
    type: "stage",
    stage,
    state: "cached",
    key,
    seconds: 0,
    reason: "up-to-date",
    metrics: {},
  });
  reporter.report({
    type: "stage",
    stage: "train",
    state: "executed",
    key,
    seconds: 4,
    reason: "new",
    metrics: {},
  });
  reporter.report({
    type: "summary",
    executed: ["rows", "train"],
    cached: [],
    failed: [],
    skipped: [],
    seconds: 7,
  });
  assert.equal(
    written.stderr,
    `rows      executed in 2.0 s
train     sha256:ab is corrupt in the cache.
note: The stage that makes it runs again.
train     executed in 4.0 s
`,
  );
  assert.equal(
    written.stdout,
    `stage  kind       state      time
rows   load       executed  2.0 s
train  fine-tune  executed  4.0 s

2 executed in 7.0 s
`,
  );
});

test("an interruption is announced, and the cursor comes back without a summary", (t) => {
  const { reporter, screen, interruption } = play(t, { columns: 100, interactive: true }, 5);
  assert.equal(screen.isCursorHidden, true);
  interruption.abort("SIGINT");
  reporter.close();
  reporter.close();
  assert.equal(screen.isCursorHidden, false);
  assert.equal(
    screen.text,
    `train     running: with.learning_rate: 5e-5 -> 3e-5 (about 1m 20s)
Stopping: running stages finish their step; Ctrl-C again quits at once.
`,
  );
});

test("the cursor comes back when the process ends all of a sudden", (t) => {
  const before = new Set(process.listeners("exit"));
  const { screen, reporter } = play(t, { columns: 100, interactive: true }, 5);
  const added = process.listeners("exit").filter((listener) => !before.has(listener));
  for (const listener of added) listener(1);
  assert.equal(screen.isCursorHidden, false);
  reporter.close();
  assert.deepEqual(new Set(process.listeners("exit")), before);
});

test("colour is used only where the context allows it", (t) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  const coloured = /\u001b\[\d+m(executed|cached)/g;
  const states = (color: boolean) =>
    play(t, { columns: 100, color }).written.stdout.match(coloured);
  assert.deepEqual(states(true), [
    "\u001b[2mcached",
    "\u001b[32mexecuted",
    "\u001b[32mexecuted",
    "\u001b[2mcached",
  ]);
  assert.equal(states(false), null);
});
