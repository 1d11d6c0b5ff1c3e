import { quote } from "./report.ts";
import type { SourceNode } from "./source-node.ts";

/** The part of JSON Schema that stages' params use. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaNode;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly not?: SchemaNode;
  readonly examples?: readonly unknown[];
}

const MOST_CHOICES = 12;

/** What a schema asks for, after "must be": `a number above 0`, `one of: linear, cosine`. */
export function describeSchema(schema: SchemaNode): string {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return joinChoices(branches.map(describeSchema));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return describeEnum(schema.enum);
  const given = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  // That a map may be left empty is nothing to recommend.
  const types = given.includes("object") ? given.filter((type) => type !== "null") : given;
  return types.length === 0
    ? "something else"
    : joinChoices(types.map((type) => describeType(type, schema)));
}

function describeEnum(values: readonly unknown[]): string {
  const shown = values.slice(0, MOST_CHOICES).map(String).join(", ");
  return `one of: ${shown}${values.length > MOST_CHOICES ? ", …" : ""}`;
}

function describeType(type: string, schema: SchemaNode): string {
  switch (type) {
    case "number":
      return `a number${describeBounds(schema)}`;
    case "integer":
      return `a whole number${describeBounds(schema)}`;
    case "boolean":
      return "true or false";
    case "array":
      return `a list${describeItems(schema.items)}`;
    case "object":
      return `a map${describeKeys(schema)}`;
    case "null":
      return "null";
    default:
      return `a ${type}`;
  }
}

function describeBounds({
  minimum,
  maximum,
  exclusiveMinimum,
  exclusiveMaximum,
}: SchemaNode): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const lower =
    minimum !== undefined
      ? ` of at least ${minimum}`
      : exclusiveMinimum !== undefined
        ? ` above ${exclusiveMinimum}`
        : "";
  const upper =
    maximum !== undefined
      ? ` at most ${maximum}`
      : exclusiveMaximum !== undefined
        ? ` below ${exclusiveMaximum}`
        : "";
  return lower !== "" && upper !== "" ? `${lower} and${upper}` : `${lower}${upper}`;
}

function describeItems(items: SchemaNode | undefined): string {
  const type = items?.enum === undefined ? items?.type : undefined;
  const plurals: Record<string, string> = {
    string: " of strings",
    number: " of numbers",
    integer: " of whole numbers",
    object: " of maps",
  };
  return (typeof type === "string" && plurals[type]) || "";
}

function describeKeys({ required = [], properties = {} }: SchemaNode): string {
  const names = required.length > 0 ? required : Object.keys(properties);
  return names.length > 0 && names.length <= 4
    ? ` with ${names.map((name) => `"${name}"`).join(", ")}`
    : "";
}

function joinChoices(choices: readonly string[]): string {
  const distinct = [...new Set(choices)];
  return distinct.length < 2
    ? distinct.join("")
    : `${distinct.slice(0, -1).join(", ")} or ${distinct.at(-1)}`;
}

/** What stands in the file, after "but is": `the string "fast"`, `the number 3`, `a list`. */
export function describeValue(node: SourceNode): string {
  if (node.kind !== "scalar") return node.kind === "list" ? "a list" : "a map";
  if (node.value === null) return node.text === "" ? "empty" : "null";
  if (typeof node.value === "string")
    return node.value === "" ? "an empty string" : `the string ${quote(node.value)}`;
  return typeof node.value === "number" ? `the number ${node.text}` : String(node.value);
}
