import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type GraphFlags, graph } from "../../cli/commands/graph.ts";
import { drawRails } from "../../cli/graph/draw-rails.ts";
import { runCommand } from "../rig/command-rig.ts";
import { plainKinds } from "../rig/plain-kinds.ts";

const cwd = mkdtempSync(join(tmpdir(), "tunesmith-graph-"));
after(() => rmSync(cwd, { recursive: true }));
writeFileSync(
  join(cwd, "a.tune.yaml"),
  `name: diamond
stages:
  given: { uses: give, with: { parts: [train, validation, test] } }
  left: { uses: change, in: { rows: given, note: given.note } }
  right: { uses: change, in: given.test }
  measure: { uses: measure, in: { train: left, test: right } }
  put: { uses: put, in: left, with: { to: out/rows } }
`,
);

const print = (format: GraphFlags["format"]) =>
  runCommand({ cwd, kinds: plainKinds }, (context) =>
    graph(context, "a.tune.yaml", { format, set: [] }),
  );

test("graph draws rails, kinds, and what each stage reads and writes", async () => {
  assert.deepEqual(await print("text"), {
    exitCode: 0,
    stdout: `●    given    give
├─●  left     change   given, given.note
● │  right    change   given.test
●─┤  measure  measure  left.train+validation, right
  ●  put      put      left -> out/rows
`,
    stderr: "",
  });
});

test("graph writes Mermaid with splits on the arrows", async () => {
  const { stdout } = await print("mermaid");
  assert.equal(
    stdout,
    `flowchart TD
  s0["given<br/><i>give</i>"]
  s1["left<br/><i>change</i>"]
  s2["right<br/><i>change</i>"]
  s3["measure"]
  s4["put"]
  s0 --> s1
  s0 -->|note| s1
  s0 -->|test| s2
  s1 -->|train+validation| s3
  s2 --> s3
  s1 --> s4
`,
  );
});

test("graph writes JSON with references by port", async () => {
  const { stdout } = await print("json");
  assert.deepEqual(JSON.parse(stdout).stages[2], {
    name: "right",
    uses: "change",
    inputs: { rows: { stage: "given", port: "rows", parts: ["test"] } },
    reads: [],
  });
  assert.deepEqual(JSON.parse(stdout).stages[4].writes, "out/rows");
});

test("rails cross, join and end where the last reader stands", () => {
  const nodes = [
    { name: "a", upstream: [] },
    { name: "b", upstream: [] },
    { name: "c", upstream: [] },
    { name: "d", upstream: ["a", "c"] },
    { name: "e", upstream: ["b", "c"] },
    { name: "f", upstream: ["a", "b", "c"] },
    { name: "g", upstream: [] },
    { name: "h", upstream: ["d", "e", "f"] },
  ];
  assert.equal(
    drawRails(nodes)
      .map((row) => row.trimEnd())
      .join("\n"),
    `●
│ ●
│ │ ●
├─│─┼─●
│ ├─┼─│─●
●─┴─╯ │ │
│ ●   │ │
●─────┴─╯`,
  );
});
