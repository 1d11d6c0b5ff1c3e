import type { Expression, Node, ObjectExpression, Program, Property } from "acorn";
import type { SourceText } from "../diagnostic.ts";
import type { Report } from "../pipeline/report.ts";
import { constantsOf } from "./literal-node.ts";

/** What a module exports as its stage. */
export interface FoundDeclaration {
  /** The object that `defineStage` is given. */
  readonly object: ObjectExpression;
  /** Its `run`, a function. */
  readonly run: Property;
}

const HINT =
  'write export default defineStage({ … }), with import { defineStage } from "tunesmith"';

/** The `export default defineStage({ … })` of a module; reports what is missing of it. */
export function findDeclaration(
  program: Program,
  file: SourceText,
  report: Report,
): FoundDeclaration | undefined {
  const placeOf = ({ start, end }: Node) => ({ file, range: { start, end } });
  const exported = exportedBy(program);
  if (exported === undefined) {
    const message = "The file exports no stage: it has no default export.";
    const place = { file, range: { start: 0, end: 0 } };
    report({ code: "no-stage-exported", message, place, hint: HINT });
    return undefined;
  }
  const constants = constantsOf(program);
  const follow = (node: Node): Node => (isIdentifier(node) && constants.get(node.name)) || node;
  const call = follow(exported);
  const isStage = isCallOf(call, nameOfDefineStage(program));
  const object = isStage ? follow(call.arguments[0] ?? call) : undefined;
  if (object?.type !== "ObjectExpression") {
    const message = 'What is exported here is no defineStage({ … }) of "tunesmith".';
    report({ code: "no-stage-exported", message, place: placeOf(exported), hint: HINT });
    return undefined;
  }
  return withRun(object as ObjectExpression, report, placeOf);
}

function withRun(
  object: ObjectExpression,
  report: Report,
  placeOf: (node: Node) => {
    readonly file: SourceText;
    readonly range: { start: number; end: number };
  },
): FoundDeclaration | undefined {
  const run = object.properties.find(
    (property): property is Property => property.type === "Property" && isNamed(property, "run"),
  );
  const isFunction =
    run !== undefined &&
    ["FunctionExpression", "ArrowFunctionExpression", "Identifier"].includes(run.value.type);
  if (run !== undefined && isFunction) return { object, run };
  const start = { start: object.start, end: object.start + 1 };
  report({
    code: "missing-run",
    message: run === undefined ? '"run" is missing.' : '"run" must be a function.',
    place: { ...placeOf(run?.value ?? object), ...(run === undefined && { range: start }) },
    hint: "add async run({ inputs, params }) { … }, which returns the outputs by port",
  });
  return undefined;
}

/** Whether a property has this name. */
export function isNamed({ key, computed }: Property, name: string): boolean {
  return (
    !computed &&
    (key.type === "Identifier" ? key.name === name : "value" in key && key.value === name)
  );
}

function exportedBy({ body }: Program): Node | undefined {
  const statement = body.find(({ type }) => type === "ExportDefaultDeclaration");
  return statement?.type === "ExportDefaultDeclaration" ? statement.declaration : undefined;
}

/** What the module calls the `defineStage` that it imports. */
function nameOfDefineStage({ body }: Program): string | undefined {
  for (const statement of body) {
    if (statement.type !== "ImportDeclaration" || statement.source.value !== "tunesmith") continue;
    for (const specifier of statement.specifiers)
      if (
        specifier.type === "ImportSpecifier" &&
        specifier.imported.type === "Identifier" &&
        specifier.imported.name === "defineStage"
      )
        return specifier.local.name;
  }
  return undefined;
}

function isIdentifier(node: Node): node is Expression & { type: "Identifier"; name: string } {
  return node.type === "Identifier";
}

function isCallOf(
  node: Node,
  name: string | undefined,
): node is Node & { readonly arguments: readonly Node[] } {
  const { callee } = node as { callee?: Node };
  return (
    node.type === "CallExpression" &&
    callee !== undefined &&
    isIdentifier(callee) &&
    callee.name === name
  );
}
