import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { typesOf } from "../../engine/own-stages/own-kind.ts";
import { stages } from "../../stages/index.ts";
import { defineStage, type PortType } from "../../stages/own/define-stage.ts";

// What does not compile is marked: were it to compile, the mark itself would be an error.

test("types of run follow from the declaration", () => {
  const stage = defineStage({
    params: {
      type: "object",
      properties: {
        words: { type: "integer", minimum: 1, default: 3 },
        language: { enum: ["de", "en"] },
        lists: { type: "array", items: { type: "string" } },
      },
      required: ["language"],
      additionalProperties: false,
    },
    inputs: { rows: { type: "dataset" }, model: { type: "model", optional: true } },
    outputs: { kept: { type: "dataset" }, notes: { type: "folder" } },
    paths: ["lists"],
    destination: "language",
    seeded: true,
    async run({ params, inputs, seed }) {
      const words: number = params.words;
      const language: "de" | "en" = params.language;
      const lists: readonly string[] | undefined = params.lists;
      const rows = await inputs.rows.rows();
      const weights: Uint8Array | undefined = (await inputs.model?.read())?.["model.safetensors"];
      const seeded: number = seed;
      // @ts-expect-error: not declared
      params.letters;
      // @ts-expect-error: it may be left out
      inputs.model.read();
      // @ts-expect-error: no such input
      inputs.tokens;
      const note = [words, language, lists, weights, seeded].join(" ");
      return { kept: { train: rows }, notes: { "a.txt": note } };
    },
  });
  assert.deepEqual(Object.keys(stage.outputs), ["kept", "notes"]);

  const bare = defineStage({
    outputs: { report: { type: "report" } },
    run({ seed, params }) {
      const none: undefined = seed;
      // @ts-expect-error: it has no params
      params.words;
      return { report: none ?? null };
    },
  });
  assert.deepEqual(bare.run.length, 1);
});

test("what does not fit the declaration does not compile", () => {
  const outputs = { rows: { type: "dataset" } } as const;
  // @ts-expect-error: rows are objects with a text
  defineStage({ outputs, run: () => ({ rows: { train: [{ label: "a" }] } }) });
  // @ts-expect-error: an output is missing
  defineStage({ outputs, run: () => ({}) });
  // @ts-expect-error: no such type of port
  defineStage({ outputs: { rows: { type: "rows" } }, run: () => ({ rows: {} }) });
  // @ts-expect-error: no such param
  defineStage({ outputs, paths: ["words"], run: () => ({ rows: {} }) });
});

test("what the package exports is the public API", async () => {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  const exported = JSON.parse(text).exports["."] as Readonly<Record<"types" | "default", string>>;
  assert.equal(exported.types, exported.default.replace(/\.js$/, ".d.ts"));
  const source = exported.default.replace("./dist/", "../../").replace(/\.js$/, ".ts");
  assert.deepEqual(Object.keys(await import(source)), ["defineStage"]);
});

test("ports have the types that built-in stages pass on", () => {
  const types: Readonly<Record<PortType, true>> = {
    dataset: true,
    embeddings: true,
    folder: true,
    metrics: true,
    model: true,
    report: true,
    tokenizer: true,
    tokens: true,
  };
  assert.deepEqual(Object.keys(types), [...typesOf(stages).keys()].sort());
});
