import type { SchemaNode } from "./describe-schema.ts";
import { nearestName } from "./did-you-mean.ts";
import type { ScalarNode, SourceNode } from "./source-node.ts";

const NUMBER = /^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$/;

/** What to write instead, where a value was likely meant for its schema but YAML reads it as something else. */
export function hintForType(schema: SchemaNode, node: SourceNode): string | undefined {
  if (node.kind !== "scalar") return hintForCollection(schema, node);
  const types = typesOf(schema);
  const choices = (schema.anyOf ?? schema.oneOf ?? [schema]).flatMap(
    ({ enum: values = [] }) => values,
  );
  if (choices.length > 0) return hintForChoice(choices.map(String), node);
  if (typeof node.value === "string") {
    return (
      hintForString(types, node.value) ??
      (takesOnlyLists(types) ? `write a list: [${node.text}]` : undefined)
    );
  }
  if (node.value === null) return undefined;
  if (types.includes("boolean") && typeof node.value === "number") return hintForBoolean(node.text);
  if (types.includes("string")) return `put it in quotes: "${node.text}"`;
  return takesOnlyLists(types) ? `write a list: [${node.text}]` : undefined;
}

function typesOf(schema: SchemaNode): readonly string[] {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return branches.flatMap(typesOf);
  return typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
}

function takesOnlyLists(types: readonly string[]): boolean {
  return types.length > 0 && types.every((type) => type === "array");
}

function hintForCollection(schema: SchemaNode, node: SourceNode): string | undefined {
  if (node.kind !== "list" || typesOf(schema).includes("array")) return undefined;
  if (typesOf(schema).includes("object")) return 'a map has lines "key: value", without dashes';
  return node.items.length === 1 ? "write it without the brackets or the dash" : undefined;
}

function hintForChoice(choices: readonly string[], node: ScalarNode): string | undefined {
  const nearest = nearestName(String(node.value), choices);
  if (nearest !== undefined)
    return nearest === node.text ? undefined : `did you mean "${nearest}"?`;
  return undefined;
}

function hintForString(types: readonly string[], text: string): string | undefined {
  if (types.includes("boolean")) return hintForBoolean(text);
  if (!types.includes("number") && !types.includes("integer")) return undefined;
  if (NUMBER.test(text)) return `write it without quotes: ${text}`;
  const bare = text.replaceAll(/[_,' ]/g, "");
  if (/[0-9][_,' ][0-9]/.test(text) && NUMBER.test(bare)) {
    return `numbers have no "${/[_,' ]/.exec(text)?.[0]}" in YAML: write ${bare}`;
  }
  if (/^[0-9.]+ ?%$/.test(text)) return `write a share: ${Number.parseFloat(text) / 100}`;
  if (/^[0-9.]+[kKmM]$/.test(text)) {
    return `write the number out: ${Number.parseFloat(text) * (/[kK]$/.test(text) ? 1_000 : 1_000_000)}`;
  }
  if (/^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(text)) return "a date is a string in YAML 1.2";
  return undefined;
}

function hintForBoolean(text: string): string | undefined {
  if (/^(yes|on|y|true|1)$/i.test(text))
    return "write true, without quotes: in YAML 1.2 only true and false are booleans";
  if (/^(no|off|n|false|0)$/i.test(text))
    return "write false, without quotes: in YAML 1.2 only true and false are booleans";
  return undefined;
}
