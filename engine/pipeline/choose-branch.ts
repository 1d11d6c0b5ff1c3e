import type { SchemaNode } from "./describe-schema.ts";
import type { SourceNode } from "./source-node.ts";

/**
 * The branch of an `anyOf` or `oneOf` that a value was meant for: the only one of its type, or among maps the one
 * with the most of its keys. Undefined when that is not clear.
 */
export function chooseBranch(
  branches: readonly SchemaNode[],
  node: SourceNode,
): SchemaNode | undefined {
  const fitting = branches.filter((branch) => takesTypeOf(branch, node));
  if (fitting.length < 2 || node.kind !== "map")
    return fitting.length === 1 ? fitting[0] : undefined;
  const scored = fitting.map((branch) => ({ branch, score: scoreOf(branch, node) }));
  scored.sort((a, b) => b.score - a.score);
  const [best, second] = scored;
  return best !== undefined && best.score > (second?.score ?? 0) ? best.branch : undefined;
}

function takesTypeOf(schema: SchemaNode, node: SourceNode): boolean {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return branches.some((branch) => takesTypeOf(branch, node));
  const literals = schema.const !== undefined ? [schema.const] : schema.enum;
  if (literals !== undefined)
    return node.kind === "scalar" && literals.some((l) => typeof l === typeof node.value);
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  return types.length === 0 || types.some((type) => isOfType(node, type));
}

function isOfType(node: SourceNode, type: string): boolean {
  if (node.kind === "list") return type === "array";
  if (node.kind === "map") return type === "object";
  if (node.kind === "unknown") return true;
  if (node.value === null) return type === "null";
  const isNumber = typeof node.value === "number" && (type === "number" || type === "integer");
  return isNumber || type === typeof node.value;
}

/** Keys that the branch knows; a fixed value that is met settles it. */
function scoreOf(branch: SchemaNode, node: SourceNode & { kind: "map" }): number {
  let score = 0;
  for (const [key, { value }] of node.entries) {
    const property = branch.properties?.[key];
    if (property === undefined) continue;
    const isTag =
      property.const !== undefined && value.kind === "scalar" && value.value === property.const;
    score += isTag ? 1000 : 1;
  }
  return score;
}
