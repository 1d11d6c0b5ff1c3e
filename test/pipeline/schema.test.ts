import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { analyze } from "../../engine/pipeline/analyze.ts";
import { pipelineSchema } from "../../engine/pipeline/pipeline-schema.ts";
import { staleSchemaFiles } from "../../schema/generate.ts";
import { stages } from "../../stages/index.ts";
import { plainKinds } from "../rig/plain-kinds.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const published = JSON.parse(readFileSync(join(root, "schema/pipeline.schema.json"), "utf8"));
const editor = new Ajv({
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allowUnionTypes: true,
});
const accepts = editor.compile(published);

test("the schemas in schema/ are those that the stages define", async () => {
  assert.deepEqual(await staleSchemaFiles(), []);
});

test("every stage's params are described, with valid draft-07 schemas", () => {
  for (const { kind, params } of stages) {
    assert.ok(editor.validateSchema(params), `${kind}: ${editor.errorsText()}`);
    for (const [name, schema] of Object.entries(params.properties)) {
      assert.equal(
        typeof (schema as { description?: unknown }).description,
        "string",
        `${kind}.${name}`,
      );
    }
  }
});

const rows = "  rows: { uses: load, with: { files: a.csv } }\n";
const accepted: readonly string[] = [
  `stages:\n${rows}`,
  `name: a\ndescription: b\nseed: 1\nvars: { a: [1] }\nallow_outside: true\nstages:\n${rows}`,
  'seed: "${env:SEED}"\nstages:\n  rows: { uses: load, with: { files: "${vars.files}", format: "${vars.format}" } }\n',
  `stages:\n${rows}  clean: { uses: clean, in: rows, with: { rules: [lowercase, "\${vars.rule}", { min_characters: "\${vars.n}" }] } }\n`,
  `stages:\n${rows}  clean: { uses: clean, in: { dataset: rows.train }, with: { rules: "\${vars.rules}" }, cache: false }\n`,
  `stages:\n${rows}  clean: { uses: clean, in: rows, with: "\${vars.params}", seed: "\${vars.seed}" }\n`,
  "stages:\n  e: { uses: evaluate, in: { model: a, dataset: b.test }, require: { accuracy: '>= 0.5' }, resources: { gpu: 1 } }\n",
  `stages:\n  a: { uses: split, in: rows, with: }\n`,
  "stages:\n  kind: { uses: '${vars.kind}' }\n",
];
const refused: readonly string[] = [
  "stages: {}\n",
  "name: a\n",
  `sed: 1\nstages:\n${rows}`,
  `seed: x\nstages:\n${rows}`,
  `stages:\n${rows}  2nd: { uses: load, with: { files: a.csv } }\n`,
  "stages:\n  rows: { with: { files: a.csv } }\n",
  "stages:\n  rows: { uses: laod, with: { files: a.csv } }\n",
  "stages:\n  rows: { uses: load, with: { file: a.csv } }\n",
  "stages:\n  rows: { uses: load, with: { files: a.csv, format: xml } }\n",
  "stages:\n  rows: { uses: load }\n",
  "stages:\n  rows: { uses: load, in: other, with: { files: a.csv } }\n",
  `stages:\n${rows}  clean: { uses: clean, with: { rules: [lowercase] } }\n`,
  `stages:\n${rows}  clean: { uses: clean, in: { data: rows }, with: { rules: [lowercase] } }\n`,
  `stages:\n${rows}  clean: { uses: clean, in: rows, with: { rules: [{ min_characters: -1 }] } }\n`,
  "stages:\n  e: { uses: evaluate, in: model }\n",
  "stages:\n  e: { uses: evaluate, in: { model: a, dataset: b }, require: { accuracy: 0.5 } }\n",
];

test("the published schema accepts pipelines with and without references", () => {
  for (const text of accepted)
    assert.ok(accepts(parse(text)), `${text}\n${editor.errorsText(accepts.errors)}`);
});

test("the published schema refuses unknown keys, kinds and values, and missing inputs", () => {
  for (const text of refused) assert.equal(accepts(parse(text)), false, text);
});

test("pipelines that analysis accepts, the published schema accepts", async () => {
  const folder = join(root, "pipelines");
  const files = readdirSync(folder).filter((name) => name.endsWith(".tune.yaml"));
  for (const name of files) {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    const analyzed = await analyze({ path, shown: name, bytes, kinds: stages, environment: {} });
    assert.ok(analyzed.ok, name);
    assert.ok(accepts(parse(bytes.toString())), `${name}: ${editor.errorsText(accepts.errors)}`);
  }
});

test("each kind is a choice of uses with its description, and its params apply only to it", () => {
  const schema = pipelineSchema(plainKinds);
  const check = new Ajv({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allowUnionTypes: true,
  }).compile(schema);
  assert.ok(check({ stages: { a: { uses: "give", with: { count: 2 } } } }));
  assert.equal(check({ stages: { a: { uses: "change", in: "b", with: { count: 2 } } } }), false);
  const { definitions } = schema as {
    definitions: { stage: { properties: { uses: { anyOf: [{ oneOf: object[] }] } } } };
  };
  assert.deepEqual(definitions.stage.properties.uses.anyOf[0].oneOf[0], {
    const: "give",
    description: "Gives rows.",
  });
});
