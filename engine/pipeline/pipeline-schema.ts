import type { AnyStage } from "../stage.ts";
import type { SchemaNode } from "./describe-schema.ts";
import { GATE } from "./parse-gates.ts";
import { pipelineKeys, STAGE_NAME, stageKeys } from "./pipeline-keys.ts";

type Schema = SchemaNode & { readonly [keyword: string]: unknown };

/** A user's own stage, of which an editor knows no params. */
const OWN_STAGE = {
  type: "string",
  pattern: "^(\\.{1,2})?/.*\\.m?[jt]s$",
  description: "A file that exports a stage of your own: ./my-stage.ts.",
};
const REFERENCE: { readonly [keyword: string]: string } = { $ref: "#/definitions/reference" };

/**
 * The JSON Schema (draft-07) of a pipeline file, for editors: made of the same definitions that `analyze` checks
 * with. A value may be a reference `${…}` wherever it stands.
 */
export function pipelineSchema(kinds: readonly AnyStage[]): object {
  const { stages, vars, ...others } = pipelineKeys.properties;
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Tunesmith pipeline",
    description: "Stages that clean text, fine-tune a language model, evaluate and save it.",
    ...pipelineKeys,
    properties: {
      ...mapValues(others, allowReferences),
      vars,
      stages: {
        ...stages,
        propertyNames: { pattern: STAGE_NAME },
        additionalProperties: { $ref: "#/definitions/stage" },
      },
    },
    definitions: {
      reference: {
        description:
          "A variable or an environment variable: ${vars.name}, ${env:NAME}, ${env:NAME:-default}.",
        type: "string",
        pattern: "\\$\\{[^}]+\\}",
      },
      stage: stageSchema(kinds),
    },
  };
}

function stageSchema(kinds: readonly AnyStage[]): object {
  const { uses, in: inputs, with: params, require: gates, ...others } = stageKeys.properties;
  const { required: _, ...keys } = stageKeys;
  return {
    ...keys,
    anyOf: [{ required: ["uses"] }, { required: ["template"] }],
    properties: {
      uses: { ...uses, anyOf: [{ oneOf: kinds.map(nameOf) }, OWN_STAGE, REFERENCE] },
      in: inputs,
      with: orReference(params),
      require: {
        ...gates,
        additionalProperties: { type: "string", anyOf: [{ pattern: GATE }, REFERENCE] },
      },
      ...mapValues(others, allowReferences),
    },
    allOf: kinds.map(ruleOf),
  };
}

function nameOf({ kind, description }: AnyStage): object {
  return { const: kind, description };
}

/** What a stage must look like when it uses this kind. */
function ruleOf({ kind, params, inputs, takesAny, description }: AnyStage): object {
  const reading = Object.entries(
    inputs as Record<string, { description: string; optional?: true }>,
  );
  const required = ["with"].filter(() => (params.required ?? []).length > 0);
  if (reading.some(([, port]) => !port.optional)) required.push("in");
  return {
    // What a template holds cannot be known here.
    if: {
      properties: { uses: { const: kind }, template: false },
      required: ["uses"],
    },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      properties: {
        with: { ...paramsSchema(params as Schema), description },
        ...(!takesAny && { in: inputSchema(reading) }),
      },
      ...(required.length > 0 && { required }),
    },
  };
}

/** The params, a reference to them, or nothing after `with:` where none is required. */
function paramsSchema(params: Schema): Schema {
  const { anyOf = [] } = allowReferences(params);
  return { anyOf: (params.required ?? []).length > 0 ? anyOf : [...anyOf, { type: "null" }] };
}

/** What `in` may be for a kind: nothing, a stage for the only or first port, or a map by port. */
function inputSchema(ports: [string, { description: string; optional?: true }][]): object | false {
  if (ports.length === 0) return false;
  const properties = Object.fromEntries(
    ports.map(([name, { description }]) => [name, { type: "string", minLength: 1, description }]),
  );
  const required = ports.filter(([, port]) => !port.optional).map(([name]) => name);
  const map = { type: "object", properties, required, additionalProperties: false };
  const isOneEnough = required.every((name) => name === ports[0]?.[0]);
  return { anyOf: isOneEnough ? [{ type: "string" }, map] : [REFERENCE, map] };
}

/** The schema with a reference allowed in place of the value and of every value in it. */
function allowReferences(schema: Schema): Schema {
  const inner = withReferencesInside(schema);
  return takesAnyString(schema) ? inner : orReference(inner);
}

/** What describes the value stays outside, where editors look for it. */
function orReference(schema: object): Schema {
  const { description, default: preset, examples, ...rules } = schema as Schema;
  return {
    ...(description !== undefined && { description }),
    ...(preset !== undefined && { default: preset }),
    ...(examples !== undefined && { examples }),
    anyOf: [rules as Schema, REFERENCE as Schema],
  };
}

function withReferencesInside(schema: Schema): Schema {
  const { properties, items, anyOf, oneOf, additionalProperties } = schema;
  return {
    ...schema,
    ...(properties && { properties: mapValues(properties, allowReferences) }),
    ...(items && { items: allowReferences(items as Schema) }),
    ...(anyOf && { anyOf: anyOf.map((branch) => withReferencesInside(branch as Schema)) }),
    ...(oneOf && { oneOf: oneOf.map((branch) => withReferencesInside(branch as Schema)) }),
    ...(typeof additionalProperties === "object" && {
      additionalProperties: allowReferences(additionalProperties as Schema),
    }),
  };
}

/** Whether a reference, being a string, fits already. */
function takesAnyString(schema: Schema): boolean {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return branches.some((branch) => takesAnyString(branch as Schema));
  const isLimited = schema.enum ?? schema.const ?? schema.pattern ?? schema.maxLength;
  return isLimited === undefined && (schema.type === undefined || schema.type === "string");
}

function mapValues(map: object, change: (value: Schema) => object): Record<string, object> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
