import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import type { ValidateFunction } from "ajv";
import { validatorFile, validatorOf } from "../../engine/pipeline/json-schema.ts";
import { builtInSchemas, validatorText } from "../../schema/compile-validators.ts";

const require = createRequire(import.meta.url);

/** The validator that the build writes for a schema. */
function built(schema: object): ValidateFunction {
  const module = { exports: {} };
  new Function("module", "require", validatorText(schema))(module, require);
  return module.exports as ValidateFunction;
}

/** Values that break a schema in many ways, and some that do not. */
function valuesFor(schema: object): readonly unknown[] {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, unknown>> };
  const each = [-1, 0.5, "", "text", true, null, [], ["a", 1], {}, { unknown: { deep: 1 } }];
  const names = Object.keys(properties);
  return [
    ...each,
    ...[...names, "unknwon"].flatMap((name) => each.map((value) => ({ [name]: value }))),
  ];
}

test("the validators of the build find what ajv finds, in the same words, and fill in the same defaults", () => {
  let wrong = 0;
  for (const schema of builtInSchemas) {
    const [early, late] = [built(schema), validatorOf(schema)];
    for (const value of valuesFor(schema)) {
      const [ours, theirs] = [structuredClone(value), structuredClone(value)];
      assert.equal(early(ours), late(theirs));
      assert.deepEqual(early.errors, late.errors);
      assert.deepEqual(ours, theirs);
      if (late.errors) wrong++;
    }
  }
  assert.ok(wrong > 1000, `only ${wrong}`);
});

test("a validator is found only by the very schema that it was made of", () => {
  const names = builtInSchemas.map(validatorFile);
  assert.equal(new Set(names).size, builtInSchemas.length);
  const [schema] = builtInSchemas;
  assert.notEqual(validatorFile({ ...schema, description: "another" }), validatorFile(schema!));
});
