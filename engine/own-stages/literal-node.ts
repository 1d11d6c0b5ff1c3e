import type { Expression, ObjectExpression, Program, SpreadElement } from "acorn";
import type { SourceText } from "../diagnostic.ts";
import type { Report } from "../pipeline/report.ts";
import {
  type Entry,
  listOf,
  mapOf,
  type Place,
  type Scalar,
  type SourceNode,
  unknownAt,
} from "../pipeline/source-node.ts";

/** What literals of a module may refer to, and where what is none is reported. */
export interface LiteralScope {
  readonly file: SourceText;
  /** What the module's top-level `const`s hold, by name. */
  readonly constants: ReadonlyMap<string, Expression>;
  readonly report: Report;
  /** Constants being read: one met again refers to itself. */
  readonly reading?: readonly string[];
}

/** The top-level `const`s of a module that hold one value. */
export function constantsOf({ body }: Program): Map<string, Expression> {
  const constants = new Map<string, Expression>();
  for (const statement of body) {
    const declaration =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declaration?.type !== "VariableDeclaration" || declaration.kind !== "const") continue;
    for (const { id, init } of declaration.declarations)
      if (id.type === "Identifier" && init) constants.set(id.name, init);
  }
  return constants;
}

/**
 * The value of an expression that holds only literals, lists, maps and constants of these, as a node with its places.
 * Reports anything that is known only by running it.
 */
export function literalNode(expression: Expression, scope: LiteralScope): SourceNode {
  const place = placeOf(expression, scope);
  switch (expression.type) {
    case "Literal":
      if (isScalar(expression.value) && expression.bigint == null)
        return scalarNode(expression.value, expression.raw ?? "", place);
      break;
    case "TemplateLiteral": {
      const [only] = expression.quasis;
      const isPlain = expression.expressions.length === 0 && typeof only?.value.cooked === "string";
      if (isPlain) return scalarNode(only.value.cooked ?? "", only.value.raw, place);
      break;
    }
    case "UnaryExpression": {
      const { operator, argument } = expression;
      const value = argument.type === "Literal" ? argument.value : undefined;
      if (operator === "-" && typeof value === "number")
        return scalarNode(-value, `-${value}`, place);
      break;
    }
    case "ArrayExpression":
      return listOf(
        expression.elements.map((element) =>
          element === null || element.type === "SpreadElement"
            ? refuse(element?.argument ?? expression, scope)
            : literalNode(element, scope),
        ),
        place,
      );
    case "ObjectExpression":
      return mapOf(entriesOf(expression, scope), place);
    case "Identifier":
      return constantNode(expression.name, expression, scope);
  }
  return refuse(expression, scope);
}

/** The entries of a map, in their order; those that it takes over with `...other` come where that stands. */
export function entriesOf({ properties }: ObjectExpression, scope: LiteralScope): Entry[] {
  return properties.flatMap((property): Entry[] => {
    if (property.type === "SpreadElement") return spreadEntries(property, scope);
    const { key, value, computed, kind, method } = property;
    const name =
      key.type === "Identifier" && !computed
        ? key.name
        : key.type === "Literal" && ["string", "number"].includes(typeof key.value)
          ? String(key.value)
          : undefined;
    const isValue = kind === "init" && !method;
    if (name === undefined || !isValue) {
      refuse(name === undefined ? key : value, scope);
      return [];
    }
    return [{ key: name, keyPlace: placeOf(key, scope), value: literalNode(value, scope) }];
  });
}

function spreadEntries({ argument }: SpreadElement, scope: LiteralScope): Entry[] {
  const node = literalNode(argument, scope);
  if (node.kind === "map") return [...node.entries.values()];
  if (node.kind !== "unknown") refuse(argument, scope);
  return [];
}

function constantNode(name: string, at: Expression, scope: LiteralScope): SourceNode {
  const { constants, reading = [] } = scope;
  const constant = constants.get(name);
  if (constant === undefined || reading.includes(name)) return refuse(at, scope);
  return literalNode(constant, { ...scope, reading: [...reading, name] });
}

function refuse(at: Expression, scope: LiteralScope): SourceNode {
  const place = placeOf(at, scope);
  const isFunction = at.type === "FunctionExpression" || at.type === "ArrowFunctionExpression";
  scope.report({
    code: "not-literal",
    message: `This is known only when it runs: all but "run" of a stage is read without running it.`,
    place,
    hint: isFunction
      ? 'functions stand in "run" or outside of defineStage'
      : "write the value itself: text, numbers, true, false, lists and maps, or a const of these in this file",
  });
  return unknownAt(place);
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function scalarNode(value: Scalar, text: string, place: Place): SourceNode {
  const style = typeof value === "string" ? "quoted" : "plain";
  const shown = typeof value === "string" ? value : text;
  return { kind: "scalar", value, text: shown, style, place, size: 1 };
}

function placeOf(
  { start, end }: Expression | { start: number; end: number },
  { file }: LiteralScope,
): Place {
  return { file, range: { start, end } };
}
