import type { AnyNode, Expression, Literal, Node, Program } from "acorn";
import type { SourceText } from "../diagnostic.ts";
import type { Report } from "../pipeline/report.ts";
import type { Place } from "../pipeline/source-node.ts";

/** A module that another one loads. */
export interface FoundImport {
  /** As it is written: "./words.ts", "node:fs", "left-pad". */
  readonly specifier: string;
  readonly place: Place;
}

/**
 * All that a module imports: `import`, `export … from` and `import("…")`, wherever they stand. Reports an `import(…)`
 * of what is known only when it runs.
 */
export function findImports(
  program: Program,
  file: SourceText,
  report: Report,
): readonly FoundImport[] {
  const found: FoundImport[] = [];
  for (const node of nodesIn(program)) {
    const source = sourceOf(node);
    if (source === undefined) continue;
    const place = { file, range: { start: source.start, end: source.end } };
    if (source.type === "Literal" && typeof source.value === "string")
      found.push({ specifier: source.value, place });
    else
      report({
        code: "computed-import",
        message: "What is imported here is known only when it runs.",
        place,
        hint: 'write the path itself, import("./words.ts"), so that a change of that file is seen',
      });
  }
  return found;
}

function sourceOf(node: AnyNode): Expression | Literal | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
      return node.source;
    case "ExportNamedDeclaration":
      return node.source ?? undefined;
    default:
      return undefined;
  }
}

/** A tree's nodes in the order of the text. A stack, since a chain of thousands of calls is as deep. */
function* nodesIn(root: Program): Generator<AnyNode> {
  const stack: Node[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    yield node as AnyNode;
    const children = Object.values(node).flat().filter(isNode);
    stack.push(...children.reverse());
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
