import assert from "node:assert/strict";
import { test } from "node:test";
import { codesOf, pipelineOf, placesOf } from "../rig/analyze-rig.ts";

const given = "stages:\n  given: { uses: give, with: { parts: [train, validation, test] } }\n";

async function inputsOf(stage: string) {
  const { stages } = await pipelineOf(`${given}  reader: ${stage}\n`);
  return stages.find(({ name }) => name === "reader")?.inputs;
}

test("a reference names a stage, a split, a port, or a port and a split", async () => {
  const rows = async (reference: string) =>
    (await inputsOf(`{ uses: change, in: ${reference} }`))?.rows;
  assert.deepEqual(await rows("given"), { stage: "given", port: "rows" });
  assert.deepEqual(await rows("given.test"), { stage: "given", port: "rows", parts: ["test"] });
  assert.deepEqual(await rows("given.rows"), { stage: "given", port: "rows" });
  assert.deepEqual(await rows("given.rows.test"), {
    stage: "given",
    port: "rows",
    parts: ["test"],
  });
});

test("an input that reads some splits asks for these, unless the reference names one", async () => {
  const measure = (input: string) => inputsOf(`{ uses: measure, in: ${input} }`);
  const named = { stage: "given", port: "rows" };
  assert.deepEqual(await measure("given"), { train: { ...named, parts: ["train", "validation"] } });
  assert.deepEqual(await measure("{ train: given.test, test: given.train }"), {
    train: { ...named, parts: ["test"] },
    test: { ...named, parts: ["train"] },
  });
});

test("an input that reads one split needs its name, unless there is but one or they are not known", async () => {
  const measure = (parts: string) =>
    codesOf(`stages:
  given: { uses: give, with: { ${parts} } }
  train: { uses: give }
  reader: { uses: measure, in: { train: train, test: given } }
`);
  assert.deepEqual(await measure("parts: [a, b]"), ["split-not-named"]);
  assert.deepEqual(await measure("parts: [a]"), []);
  assert.deepEqual(await measure("count: 1"), []);
});

test("splits are followed through stages that keep them", async () => {
  const chain = (reference: string) =>
    `${given}  first: { uses: change, in: given }\n  second: { uses: change, in: first.rows.test }\n  third: { uses: change, in: ${reference} }\n`;
  assert.deepEqual(await codesOf(chain("second.test")), []);
  assert.deepEqual(await placesOf(chain("second.train")), ["5:30 unknown-part second.train"]);
});

test("splits of a stage that does not know them may have any name", async () => {
  assert.deepEqual(
    await codesOf(
      "stages: { given: { uses: give }, reader: { uses: change, in: given.anything } }",
    ),
    [],
  );
});

test("what has no splits has no split", async () => {
  assert.deepEqual(
    await placesOf(`${given}  reader: { uses: change, in: { rows: given, note: given.note.x } }\n`),
    ["3:52 unknown-port given.note.x"],
  );
});

test("a stage without outputs cannot be read", async () => {
  const text = `${given}  put: { uses: put, in: given, with: { to: out } }\n  reader: { uses: change, in: put }\n`;
  assert.deepEqual(await codesOf(text), ["no-outputs"]);
});

test("each cycle is reported once, at its first stage, and not what depends on it", async () => {
  const text = `stages:
  after: { uses: change, in: b }
  a: { uses: change, in: c }
  b: { uses: change, in: a }
  c: { uses: change, in: b }
  x: { uses: change, in: y }
  y: { uses: change, in: x }
`;
  assert.deepEqual(await placesOf(text), ["3:26 cycle c", "6:26 cycle y"]);
});
