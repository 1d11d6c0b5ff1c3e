import { Ajv, type ErrorObject } from "ajv";
import { checkSchema } from "../pipeline/check-schema.ts";
import { didYouMean } from "../pipeline/did-you-mean.ts";
import { pathOf } from "../pipeline/explain-violation.ts";
import { validatorOf } from "../pipeline/json-schema.ts";
import { quote, type Report } from "../pipeline/report.ts";
import { type Entry, type MapNode, nodeAt, type SourceNode } from "../pipeline/source-node.ts";
import type { OwnParams } from "./declaration-keys.ts";

const META = "http://json-schema.org/draft-07/schema";
const KEYWORDS = [
  ...["type", "enum", "const", "default", "description", "examples", "title"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  ...["minLength", "maxLength", "pattern", "format"],
  ...["items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"],
  ...["properties", "required", "additionalProperties", "minProperties", "maxProperties"],
  ...["patternProperties", "propertyNames", "dependencies"],
  ...["anyOf", "oneOf", "allOf", "not", "if", "then", "else"],
];

/**
 * Reports what makes the declared `params` no JSON Schema (draft-07) that values can be checked with; whether it is
 * one. The schema's own schema says what is wrong and where; what it leaves open, the attempt to use it does.
 */
export function isParamsSchema(schema: OwnParams, node: SourceNode, report: Report): boolean {
  const meta = new Ajv({ strict: false, validateFormats: false }).getSchema(META);
  if (meta === undefined) throw new Error("internal: ajv has no draft-07");
  if (!meta(schema)) {
    const [error] = (meta.errors ?? []).filter(({ keyword }) => keyword !== "anyOf");
    if (error === undefined) throw new Error("internal: a wrong schema without an error");
    reportInvalid(error, node, report);
    return false;
  }
  const referring = first(["$ref", "$id"], (name) => entryNamed(name, node));
  if (referring !== undefined) {
    const message = `${quote(referring.key)} cannot be used in the params of a stage.`;
    const hint = "use a const for what several params share: all is written in this file";
    report({ code: "invalid-schema", message, place: referring.keyPlace, hint });
    return false;
  }
  try {
    validatorOf(schema);
    return Object.keys(schema.properties).every((name) =>
      isDefaultRight(name, schema, node, report),
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    reportUnusable(error.message, node, report);
    return false;
  }
}

function isDefaultRight(
  name: string,
  { properties }: OwnParams,
  node: SourceNode,
  report: Report,
): boolean {
  const { default: given, ...property } = properties[name] as { readonly default?: unknown };
  if (given === undefined) return true;
  const value = nodeAt(node, ["properties", name, "default"]);
  const prefix = `The default of ${quote(name)}: `;
  const subject = { node: value, place: value.place, prefix, keys: `key of ${quote(name)}` };
  return checkSchema(property, subject, report) !== undefined;
}

function reportInvalid(error: ErrorObject, node: SourceNode, report: Report): void {
  const path = pathOf(error);
  const allowed: readonly unknown[] = error.params.allowedValues ?? [];
  const choice = allowed.length > 0 ? `one of: ${allowed.join(", ")}` : "";
  const demand = choice === "" ? error.message : `must be ${choice}`;
  report({
    code: "invalid-schema",
    message: `This is no JSON Schema: ${quote(path.join("."))} ${demand}.`,
    place: nodeAt(node, path).place,
  });
}

function reportUnusable(reason: string, node: SourceNode, report: Report): void {
  const keyword = /unknown keyword: "(.*)"/.exec(reason)?.[1];
  const entry = keyword === undefined ? undefined : entryNamed(keyword, node);
  const message =
    keyword === undefined
      ? `This JSON Schema cannot be used: ${reason.replace(/^strict mode: /, "")}.`
      : `${quote(keyword)} is no keyword of JSON Schema.`;
  const hint = keyword === undefined ? undefined : didYouMean(keyword, KEYWORDS);
  report({ code: "invalid-schema", message, place: entry?.keyPlace ?? node.place, hint });
}

/** The first entry of this name that is no name of a property. */
function entryNamed(name: string, node: SourceNode): Entry | undefined {
  if (node.kind === "list") return first(node.items, (item) => entryNamed(name, item));
  if (node.kind !== "map") return undefined;
  return node.entries.get(name) ?? first(valuesIn(node), (value) => entryNamed(name, value));
}

function valuesIn({ entries }: MapNode): SourceNode[] {
  return [...entries.values()].flatMap(({ key, value }) =>
    key === "properties" && value.kind === "map"
      ? [...value.entries.values()].map((property) => property.value)
      : [value],
  );
}

function first<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
