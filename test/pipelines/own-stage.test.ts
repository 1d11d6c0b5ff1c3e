import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { config } from "../../cli/commands/config.ts";
import { graph } from "../../cli/commands/graph.ts";
import { plan } from "../../cli/commands/plan.ts";
import { show } from "../../cli/commands/show.ts";
import { status } from "../../cli/commands/status.ts";
import { validate } from "../../cli/commands/validate.ts";
import { why } from "../../cli/commands/why.ts";
import type { CliContext } from "../../cli/context.ts";
import type { Event } from "../../engine/event.ts";
import { runCommand } from "../rig/command-rig.ts";
import { ProjectRig } from "../rig/project-rig.ts";

const data = "text,label\none two three,a\none,b\nfour five six seven,a\neight nine,b\n";
const pipeline = `
stages:
  rows: { uses: load, with: { files: data.csv, text: text, label: label } }
  keep: { uses: ./stages/keep.ts, in: rows, with: { most_words: 2 } }
  lower: { uses: clean, in: keep, with: { rules: [lowercase] } }
`;
/** Says that it was executed, by a file, as soon as it is loaded. */
const keep = `import { writeFileSync } from "node:fs";
import { defineStage, type NewRow } from "tunesmith";
import { wordsIn } from "./lib/words.ts";
import limits from "./lib/limits.json" with { type: "json" };

writeFileSync("executed.txt", "");

export default defineStage({
  params: {
    type: "object",
    properties: { most_words: { type: "integer", minimum: 1, default: 3 } },
    additionalProperties: false,
  },
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" }, notes: { type: "folder" } },
  seeded: true,
  async run({ inputs, params, seed, metric }) {
    if (process.env.RAN_HERE) throw new Error("the process ran an own stage before");
    process.env.RAN_HERE = "true";
    const kept: Record<string, NewRow[]> = {};
    for (const split of inputs.dataset.splits)
      kept[split] = (await inputs.dataset.rows(split)).filter(
        (row) => wordsIn(row.text) <= Math.min(params.most_words, limits.most),
      );
    kept.train?.push({ text: \`seed \${seed}\`, label: "b" });
    metric("kept", Object.values(kept).flat().length);
    return { dataset: kept, notes: { "notes/a.txt": "kept", "b.bin": new Uint8Array([1, 2]) } };
  },
});
`;
const words = `import "../keep.ts";
export interface Counted { readonly words: number }
export const wordsIn = (text: string): number => text.split(" ").length;
`;
const files = {
  "package.json": "{}",
  "data.csv": data,
  "p.tune.yaml": pipeline,
  "stages/keep.ts": keep,
  "stages/lib/words.ts": words,
  "stages/lib/limits.json": '{ "most": 9 }\n',
};

test("an own stage: nothing of it is executed but by run; its code and what it imports decide what runs again", async () => {
  await using rig = await ProjectRig.create(files);
  const file = "p.tune.yaml";
  const json = false;
  const looks: Readonly<Record<string, (context: CliContext) => Promise<number>>> = {
    validate: (context) => validate(context, file, { json, set: [], setFile: [] }),
    config: (context) => config(context, file, { json, resolved: true, set: [], setFile: [] }),
    graph: (context) => graph(context, file, { format: "text", set: [] }),
    plan: (context) => plan(context, file, [], { json, set: [] }),
    status: (context) => status(context, file, { json }),
    why: (context) => why(context, file, "keep", { json }),
    show: (context) => show(context, file, "keep", { json, log: false }),
  };
  for (const [name, look] of Object.entries(looks)) {
    const { exitCode, stderr } = await runCommand({ cwd: rig.folder }, look);
    assert.deepEqual([exitCode, stderr], [0, ""], name);
  }
  assert.equal(existsSync(join(rig.folder, "executed.txt")), false);

  assert.deepEqual((await rig.run(["p.tune.yaml"])).executed, ["rows", "keep", "lower"]);
  assert.equal(existsSync(join(rig.folder, "executed.txt")), true);
  const lock = await rig.read("p.tune.lock.yaml");
  assert.match(lock, /\n {2}stages\/keep\.ts:\n {4}bytes: \d+\n {4}sha256: [0-9a-f]{64}\n/);
  assert.match(lock, /\n {2}stages\/lib\/words\.ts:\n/);
  assert.match(lock, /\n {2}stages\/lib\/limits\.json:\n/);
  assert.match(lock, /metrics:\n {6}kept: 3\n/);

  assert.deepEqual((await rig.run(["p.tune.yaml"])).cached, ["rows", "keep", "lower"]);
  await rig.write({ "stages/other.ts": "export {};\n" });
  assert.deepEqual((await rig.run(["p.tune.yaml"])).cached, ["rows", "keep", "lower"]);

  // Other code, the same rows: nothing below it runs.
  await rig.write({ "stages/lib/words.ts": `${words}// counted\n` });
  const frozen = await rig.command(["run", "p.tune.yaml", "--frozen"]);
  assert.equal(frozen.exitCode, 4);
  assert.match(frozen.stderr, /sources\.stages\/lib\/words\.ts\.sha256: /);
  const edited = await rig.run(["p.tune.yaml"]);
  assert.deepEqual([edited.executed, edited.cached], [["keep"], ["rows", "lower"]]);

  await rig.write({ "stages/lib/limits.json": '{ "most": 1 }\n' });
  assert.deepEqual((await rig.run(["p.tune.yaml"])).executed, ["keep", "lower"]);
  const verified = await rig.command(["verify", "p.tune.yaml"]);
  assert.match(verified.stdout, /3 stages: same bytes\n$/);
  assert.equal(verified.exitCode, 0);
});

test("an own stage has members, each in a process of its own, and the same key in another folder", async () => {
  await using rig = await ProjectRig.create({
    ...files,
    "p.tune.yaml": pipeline
      .replace("most_words: 2 }", "most_words: '${matrix.most}' }, matrix: { most: [1, 2] }")
      .replace("in: keep", "in: 'keep[most=2]'"),
  });
  const first = await rig.run(["p.tune.yaml", "--jobs", "1"]);
  assert.deepEqual(first.executed, ["rows", "keep[most=1]", "keep[most=2]", "lower"]);
  const moved = Object.entries(files)
    .filter(([path]) => path.startsWith("stages/"))
    .map(([path, text]) => [path.replace("stages/", "elsewhere/deep/"), text]);
  await rig.write({
    ...Object.fromEntries(moved),
    "q.tune.yaml": pipeline.replace("stages/keep", "elsewhere/deep/keep"),
  });
  const second = await rig.run(["q.tune.yaml"]);
  assert.deepEqual(second.cached, ["rows", "keep", "lower"]);
});

test("a package that an own stage imports: its version is part of the key and of the lockfile", async () => {
  const version = (text: string) => ({
    "node_modules/counter/package.json": `{ "name": "counter", "version": "${text}", "exports": "./index.js", "type": "module" }`,
    "node_modules/counter/index.js": "export const count = (text) => text.length;\n",
  });
  await using rig = await ProjectRig.create({
    ...files,
    ...version("1.0.0"),
    "stages/lib/words.ts": 'export { count as wordsIn } from "counter";\n',
  });
  assert.equal((await rig.run(["p.tune.yaml", "keep"])).exitCode, 0);
  assert.match(await rig.read("p.tune.lock.yaml"), /\n {4}packages:\n {6}counter: "1\.0\.0"\n/);
  assert.match((await rig.command(["verify", "p.tune.yaml", "keep"])).stdout, /keep {3}same bytes/);
  await rig.write(version("1.1.0"));
  const why = await rig.command(["why", "p.tune.yaml", "keep"]);
  assert.match(why.stdout, /^keep will run:\n {2}package counter: 1\.0\.0 -> 1\.1\.0 \(code\)\n/);
  const frozen = await rig.command(["run", "p.tune.yaml", "keep", "--frozen"]);
  assert.match(frozen.stderr, /stages\.keep\.packages\.counter: "1\.0\.0" -> "1\.1\.0"\n/);
});

test("the example with an own stage reproduces its lockfile, byte for byte", async () => {
  await using rig = await ProjectRig.create({ "package.json": "{}" });
  const pipelines = join(import.meta.dirname, "../../pipelines");
  for (const name of [
    "near-duplicates.tune.yaml",
    "near-duplicates.tune.lock.yaml",
    "stages",
    "data/questions.csv",
  ])
    await rig.copy(join(pipelines, name), name);
  const { stderr, exitCode } = await rig.command(["run", "near-duplicates.tune.yaml", "--frozen"]);
  assert.match(stderr, /\nReproduced the lockfile, byte for byte\.\n$/);
  assert.equal(exitCode, 0);
});

/** A stage with this body of \`run\`, at line 6. */
const failing = (body: string, outputs = '{ dataset: { type: "dataset" } }', head = "") =>
  `import { defineStage } from "tunesmith";
${head}
export default defineStage({
  inputs: { dataset: { type: "dataset" } },
  outputs: ${outputs},
  async run({ inputs, metric }) {
${body}
  },
});
`;
const folder = '{ notes: { type: "folder" } }';
/** A stage that gives a row of two tokens with these labels, of a vocabulary of 9. */
const labelling = (labels: string) =>
  failing(
    `    const split = { rows: [{ id: "a" }], inputIds: Uint16Array.of(2, 3), offsets: Uint32Array.of(0, 2), labels: ${labels} };
    const facts = { max_length: 2, vocab_size: 9, pad_token_id: 0, unk_token_id: 1, model_input_names: [] };
    return { tokens: { splits: new Map([["train", split]]), facts, tokenizer: new Map() } };`,
    '{ tokens: { type: "tokens" } }',
  );

/** What goes wrong, the stage, and the whole message. */
const failures: Readonly<Record<string, readonly [stage: string, message: string | RegExp]>> = {
  throws: [
    failing("    const rows: any = await inputs.dataset.read();\n    return rows.gone.length;"),
    "throws.ts:8:22 TypeError: Cannot read properties of undefined (reading 'length')",
  ],
  "throws-below": [
    failing("    return fail();", undefined, 'import { fail } from "./lib/fail.ts";'),
    "lib/fail.ts:2:9 RangeError: too far",
  ],
  "throws-text": [failing('    throw "no";'), "throws-text.ts:6:3 no"],
  "fails-to-load": [
    failing("", undefined, 'import { gone } from "./lib/fail.ts"; gone;'),
    /^fails-to-load\.ts:2 SyntaxError: The requested module '\.\/lib\/fail\.ts' does not provide an export named 'gone'$/,
  ],
  "throws-loading": [
    failing("", undefined, 'JSON.parse("{");'),
    /^throws-loading\.ts:2:6 SyntaxError: /,
  ],
  "returns-nothing": [
    failing(""),
    "returns-nothing.ts:6:3 run() must return its outputs: { dataset }.",
  ],
  "returns-others": [
    failing("    return { rows: {} };"),
    'returns-others.ts:6:3 run() returns "rows", but its outputs are: dataset.',
  ],
  "returns-too-little": [
    failing("    return {};"),
    'returns-too-little.ts:6:3 run() returns no "dataset".',
  ],
  "returns-wrong-rows": [
    failing('    return { dataset: { train: [{ text: "a" }, { text: 3 }] } };'),
    'returns-wrong-rows.ts:6:3 the output "dataset" is wrong in row 2 of split "train": a row has a "text", and may have a "label", "words" with "tags", and "columns" of texts.',
  ],
  "returns-equal-ids": [
    failing(
      '    const row = { text: "a", id: "1" };\n    return { dataset: { train: [row, row] } };',
    ),
    'returns-equal-ids.ts:6:3 the output "dataset" has the id "1" again in row 2 of split "train".',
  ],
  "writes-outside": [
    failing('    return { notes: { "../notes.txt": "x" } };', folder),
    'writes-outside.ts:6:3 the output "notes" has a file "../notes.txt", whose path leads elsewhere or cannot be one.',
  ],
  "labels-too-few": [
    labelling("Int32Array.of(4)"),
    'labels-too-few.ts:6:3 the output "tokens" is wrong in split "train": it has labels that are not an Int32Array of 2, one for each token.',
  ],
  "labels-beyond": [
    labelling("Int32Array.of(-100, 9)"),
    'labels-beyond.ts:6:3 the output "tokens" is wrong in split "train": it has the label 9 in the row "a": neither -100, for none, nor an id of the vocabulary of 9.',
  ],
  "tokens-of-nothing": [
    failing("    return { tokens: {} };", '{ tokens: { type: "tokens" } }'),
    'tokens-of-nothing.ts:6:3 the output "tokens" must be the value of a tokens artifact.',
  ],
  "measures-nothing": [
    failing('    metric("loss", Number.NaN);'),
    'The metric "loss" of a ./measures-nothing.ts stage is NaN.',
  ],
  "asks-for-a-split": [
    failing('    return { dataset: { train: await inputs.dataset.rows("test") } };'),
    /^asks-for-a-split\.ts:\d+:\d+ Error: the dataset has no split "test", only: train$/,
  ],
  "changes-itself": [
    `import { defineStage } from "tunesmith";
const params = { type: "object", properties: {}, additionalProperties: false } as const;
Object.assign(params.properties, { words: { type: "integer", default: 3 } });
export default defineStage({ params, outputs: {}, run() {} });
`,
    "changes-itself.ts:4:51 what defineStage is given now is not what stood in the file when the run began: run again.",
  ],
  hangs: [
    failing("    for (;;) {}"),
    "The stage took longer than its timeout of 2 s and was ended, with all that it had started: run() of hangs.ts:6:3.",
  ],
};

test("an own stage that fails names its place in the user's file", async () => {
  const names = Object.keys(failures);
  const limit = (name: string) => (name === "hangs" ? ", timeout: 2" : "");
  const inputOf = (name: string) => (name === "changes-itself" ? "" : ", in: rows");
  const stages = names.map(
    (name) => `  ${name}: { uses: ./${name}.ts${inputOf(name)}${limit(name)} }\n`,
  );
  await using rig = await ProjectRig.create({
    ...files,
    ...Object.fromEntries(names.map((name) => [`${name}.ts`, failures[name]![0]])),
    "lib/fail.ts": 'export function fail(): never {\n  throw new RangeError("too far");\n}\n',
    "p.tune.yaml": `${pipeline.split("  keep")[0]}${stages.join("")}`,
  });
  const args = ["run", "p.tune.yaml", "--json", "--keep-going", "--jobs", "2"];
  const { stdout, exitCode } = await rig.command(args);
  assert.equal(exitCode, 1);
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
  const messages = new Map(
    events.flatMap((event) =>
      event.type === "stage" && event.state === "failed"
        ? [[event.stage, event.problem.message] as const]
        : [],
    ),
  );
  for (const [name, [, expected]] of Object.entries(failures)) {
    const message = messages.get(name) ?? "did not fail";
    if (typeof expected === "string") assert.equal(message, expected);
    else assert.match(message, expected);
  }
});
