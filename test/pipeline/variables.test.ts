import assert from "node:assert/strict";
import { test } from "node:test";
import { codesOf, pipelineOf, placesOf } from "../rig/analyze-rig.ts";

/** The params of one `give` stage, with variables above it. */
async function paramsWith(
  vars: string,
  params: string,
  environment: Readonly<Record<string, string>> = {},
) {
  const text = `vars: ${vars}\nstages:\n  given:\n    uses: give\n    with:\n      ${params}\n`;
  const {
    flag: _,
    count,
    ...rest
  } = (await pipelineOf(text, { environment })).stages[0]?.params ?? {};
  return count === 3 ? rest : { count, ...rest };
}

test("a value that is one reference has the variable's type", async () => {
  assert.deepEqual(await paramsWith("{ n: 5 }", "count: ${vars.n}"), { count: 5 });
  assert.deepEqual(await paramsWith("{ n: 5 }", 'count: "${vars.n}"'), { count: 5 });
  assert.deepEqual(await paramsWith("{ p: [a, b] }", "parts: ${vars.p}"), { parts: ["a", "b"] });
  assert.deepEqual(await paramsWith("{ p: { q: [a, { r: x }] } }", "name: ${vars.p.q.1.r}"), {
    name: "x",
  });
});

test("inside a text variables are written as they stand in the file", async () => {
  assert.deepEqual(await paramsWith("{ rate: 5e-5, b: true }", "name: r${vars.rate}-${vars.b}"), {
    name: "r5e-5-true",
  });
});

test("variables may refer to variables, and to single values within their own map", async () => {
  const vars = '{ a: "${vars.b}", b: "x${vars.c.d}", c: { d: y, e: "${vars.c.d}z" } }';
  assert.deepEqual(await paramsWith(vars, "name: ${vars.a}${vars.c.e}"), { name: "xyyz" });
});

test("$${ is the text ${, and a dollar alone is a dollar", async () => {
  assert.deepEqual(await paramsWith("{ n: 5 }", "name: a$b $1 $${vars.n} $$${vars.n} ${vars.n}"), {
    name: "a$b $1 ${vars.n} $${vars.n} 5",
  });
});

test("what a variable holds is not read for references again", async () => {
  assert.deepEqual(await paramsWith('{ a: "$${vars.b}", b: x }', "name: ${vars.a}"), {
    name: "${vars.b}",
  });
});

test("environment variables are numbers where a number is wanted, text where text is", async () => {
  const environment = { N: "12", RATE: "3e-5", ID: "007", FLAG: "true", EMPTY: "" };
  assert.deepEqual(await paramsWith("{}", "{ count: '${env:N}', name: '${env:N}' }", environment), {
    count: 12,
    name: "12",
  });
  assert.deepEqual(
    await paramsWith("{}", "{ rate: '${env:RATE}', name: '${env:ID}' }", environment),
    {
      rate: 3e-5,
      name: "007",
    },
  );
  assert.deepEqual(await paramsWith("{}", "name: a-${env:FLAG}", environment), { name: "a-true" });
});

test("a default stands in for an environment variable that is not set or empty", async () => {
  const environment = { EMPTY: "" };
  assert.deepEqual(await paramsWith("{}", "count: ${env:NONE:-7}", environment), { count: 7 });
  assert.deepEqual(await paramsWith("{}", "name: ${env:EMPTY:-a:b c}", environment), {
    name: "a:b c",
  });
  assert.deepEqual(await paramsWith("{}", "name: x${env:EMPTY}", environment), { name: "x" });
});

test("references work wherever a value stands", async () => {
  const text = `vars: { kind: give, seed: 3, gate: ">= 1", gpu: 1, stage: a.train, name: n }
name: \${vars.name}
seed: \${vars.seed}
stages:
  a: { uses: "\${vars.kind}", require: { x: "\${vars.gate}" }, resources: { gpu: "\${vars.gpu}" } }
  b: { uses: change, in: "\${vars.stage}" }
`;
  const { name, stages } = await pipelineOf(text);
  assert.equal(name, "n");
  assert.deepEqual(
    stages.map(({ seed, kind, inputs, gates, resources }) => [
      seed,
      kind.kind,
      inputs,
      gates.length,
      resources,
    ]),
    [
      [3, "give", {}, 1, { gpu: 1 }],
      [3, "change", { rows: { stage: "a", port: "rows", parts: ["train"] } }, 0, { gpu: 0 }],
    ],
  );
});

test("an error inside a variable's value points at the reference", async () => {
  const text = `vars:
  options: { cuont: 1 }
stages:
  a: { uses: give, with: "\${vars.options}" }
  b: { uses: give, with: { name: "x-\${vars.options}" } }
`;
  assert.deepEqual(await placesOf(text), [
    "4:27 unknown-key ${vars.options}",
    "5:37 not-a-text ${vars.options}",
  ]);
});

test("an error in a variable is reported once, however often it is used, and even if it never is", async () => {
  const text = `vars: { a: "\${vars.none}", unused: "\${vars.no}" }
stages:
  a: { uses: give, with: { name: "\${vars.a}", rate: "\${vars.a}" } }
`;
  assert.deepEqual(await placesOf(text), [
    "1:13 unknown-variable ${vars.none}",
    "1:37 unknown-variable ${vars.no}",
  ]);
});

test("cycles of variables are found wherever they begin", async () => {
  const text = (vars: string) => `vars: ${vars}\nstages: { a: { uses: give } }`;
  assert.deepEqual(await codesOf(text('{ a: "${vars.a}" }')), ["variable-cycle"]);
  assert.deepEqual(await codesOf(text('{ a: { b: "${vars.a}" } }')), ["variable-cycle"]);
  assert.deepEqual(await codesOf(text('{ a: ["${vars.b.0}"], b: ["${vars.a.0}"] }')), [
    "variable-cycle",
  ]);
});
