import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../cache/digest.ts";
import { explainChange } from "../../engine/build/explain-change.ts";
import { recipeOf, traceKeyOf } from "../../engine/build/recipe.ts";
import { canonicalJson } from "../../engine/canonical-json.ts";
import { type AnyStage, defineStage, type Json } from "../../engine/stage.ts";
import { stageOf, textArtifact } from "../rig/build-rig.ts";

const kind: AnyStage = defineStage({
  kind: "tune",
  version: 3,
  description: "For keys.",
  params: {
    type: "object",
    properties: {
      learning_rate: { type: "number", default: 5e-5 },
      logging_steps: { type: "integer", default: 500 },
      data: { type: "string" },
      to: { type: "string" },
    },
    additionalProperties: false,
  },
  inputs: { dataset: { type: textArtifact, description: "Data." } },
  outputs: { model: { type: textArtifact, description: "A model." } },
  seeded: true,
  deterministic: true,
  environment: ["compute"],
  notInKey: ["logging_steps"],
  destination: "to",
  async run() {
    return { model: "" };
  },
});

const base = { learning_rate: 5e-5, logging_steps: 500, data: "a.csv", to: "out" };
const source = { at: ["data"], absolute: "/x/a.csv", shown: "a.csv", range: { start: 0, end: 0 } };
const ingredients = {
  inputs: { dataset: digestOf("dataset") },
  sources: [digestOf("rows")],
  facts: { compute: { device: "cpu" }, unused: 1 },
};
const stage = (params: Record<string, Json> = {}, seed = 42) =>
  stageOf(
    kind,
    "train",
    { ...base, ...params },
    { dataset: { stage: "rows", port: "text" } },
    { seed, sources: [source] },
  );

test("a recipe holds what determines the result, and nothing else", () => {
  assert.deepEqual(recipeOf(stage(), ingredients), {
    format: 1,
    uses: "tune",
    version: 3,
    params: { data: { digest: digestOf("rows") } },
    seed: 42,
    environment: { compute: { device: "cpu" } },
    inputs: { dataset: digestOf("dataset") },
    outputs: { model: "text@1" },
  });
});

test("the key of a fixed recipe never changes by accident", () => {
  assert.equal(
    traceKeyOf(recipeOf(stage(), ingredients)),
    "6ccbb96539536e7a80e7b664d2920832a966a5ff94ff6bfc473bc70267c7bea8",
  );
});

test("defaults, ignored params, destinations and paths do not change the key; all else does", () => {
  const key = (
    params: Record<string, Json> = {},
    seed?: number,
    other: Partial<typeof ingredients> = {},
  ) => traceKeyOf(recipeOf(stage(params, seed), { ...ingredients, ...other }));
  const same = [
    key({ logging_steps: 1 }),
    key({ to: "elsewhere" }),
    key({ data: "b.csv" }),
    key({ learning_rate: 0.00005 }),
  ];
  assert.deepEqual(new Set(same), new Set([key()]));
  const different = [
    key({ learning_rate: 3e-5 }),
    key({}, 43),
    key({}, 42, { inputs: { dataset: digestOf("other") } }),
    key({}, 42, { sources: [digestOf("other")] }),
    key({}, 42, { facts: { compute: { device: "webgpu" }, unused: 1 } }),
    traceKeyOf(recipeOf({ ...stage(), sources: [{ ...source, readAs: "csv" }] }, ingredients)),
  ];
  assert.equal(new Set([key(), ...different]).size, 7);
});

test("explainChange names each field with its old and new value", () => {
  const explain = (
    params: Record<string, Json>,
    seed = 42,
    other: Partial<typeof ingredients> = {},
  ) =>
    explainChange(
      stage(),
      recipeOf(stage(), ingredients),
      recipeOf(stage(params, seed), { ...ingredients, ...other }),
    ).map(({ text }) => text);
  assert.deepEqual(explain({ learning_rate: 3e-5 }), [
    "with.learning_rate: 5e-5 (default) -> 3e-5",
  ]);
  assert.deepEqual(explain({}, 7), ["seed: 42 -> 7"]);
  assert.deepEqual(explain({}, 42, { sources: [digestOf("x")] }), ["a.csv changed (with.data)"]);
  assert.deepEqual(explain({}, 42, { inputs: { dataset: digestOf("x") } }), [
    'output of "rows" changed (in.dataset)',
  ]);
  assert.deepEqual(explain({}, 42, { facts: { compute: { device: "webgpu" }, unused: 1 } }), [
    "compute.device: cpu -> webgpu",
  ]);
});

test("canonical JSON: sorted by code unit, NFC, -0 as 0, shortest numbers; NaN is a bug", () => {
  const value = { b: [1e-4, 0.0001, -0], a: "e\u0301", A: null, é: true };
  assert.equal(canonicalJson(value), '{"A":null,"a":"é","b":[0.0001,0.0001,0],"é":true}');
  assert.throws(() => canonicalJson(Number.NaN), /internal/);
});
