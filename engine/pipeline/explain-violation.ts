import type { ErrorObject } from "ajv";
import type { ParamPath } from "../stage.ts";
import { chooseBranch } from "./choose-branch.ts";
import { describeSchema, describeValue, type SchemaNode } from "./describe-schema.ts";
import { didYouMean, nearestName } from "./did-you-mean.ts";
import { hintForType } from "./hint-for-type.ts";
import { validatorOf } from "./json-schema.ts";
import { type Finding, listNames, quote } from "./report.ts";
import { hasUnknown, jsonOf, type Place, type SourceNode, walk } from "./source-node.ts";

/** What is checked and how it is called in messages. */
export interface Subject {
  readonly node: SourceNode;
  /** Where to point when something is missing in `node` itself. */
  readonly place: Place;
  /** Begins each message: `Stage "train": `; empty at the top of the file. */
  readonly prefix: string;
  /** What an unknown key is called there: `parameter of fine-tune`. */
  readonly keys: string;
  /** Says more about an unknown key than "did you mean". */
  hintForKey?(key: string): string | undefined;
}

/** The value that breaks a rule, and how the check came to it. */
interface Violation {
  readonly subject: Subject;
  readonly path: ParamPath;
  readonly node: SourceNode;
  readonly steps: ReturnType<typeof walk>;
}

/**
 * What ajv found, in sentences with places and hints; a choice of schemas is reduced to the one that was meant. The
 * errors' paths start from `outer`. Nothing is said about values whose error is known already.
 */
export function findingsOf(
  errors: readonly ErrorObject[],
  subject: Subject,
  outer: ParamPath = [],
): Finding[] {
  const groups = errors.filter(({ keyword }) => GROUPS.has(keyword));
  const isInGroup = ({ schemaPath }: ErrorObject) =>
    groups.some((group) => schemaPath.startsWith(`${group.schemaPath}/`));
  return errors
    .filter((error) => !isInGroup(error) && error.keyword !== "if" && !isMisspelt(error, errors))
    .flatMap((error) => {
      const path = [...outer, ...pathOf(error)];
      const steps = walk(subject.node, path);
      const node = steps.at(-1)?.node ?? subject.node;
      const isAboutKeys = error.keyword === "additionalProperties" || error.keyword === "required";
      if (node.kind === "unknown" || (!isAboutKeys && hasUnknown(node))) return [];
      return explainViolation(error, { subject, path, node, steps });
    });
}

/** Whether a missing key stands there under another name, which is reported. */
function isMisspelt(
  { keyword, params, instancePath }: ErrorObject,
  errors: readonly ErrorObject[],
): boolean {
  if (keyword !== "required") return false;
  return errors.some(
    (other) =>
      other.keyword === "additionalProperties" &&
      other.instancePath === instancePath &&
      nearestName(other.params.additionalProperty, keysOf(other)) === params.missingProperty,
  );
}

function keysOf({ parentSchema }: ErrorObject): string[] {
  return Object.keys((parentSchema as SchemaNode).properties ?? {});
}

/** Keywords whose own error comes after those of the schemas in them. */
const GROUPS = new Set(["anyOf", "oneOf", "propertyNames"]);

/** Where the value that an error is about lies in the checked value. */
export function pathOf({ instancePath }: ErrorObject): ParamPath {
  const segments = instancePath.split("/").slice(1);
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function explainViolation(error: ErrorObject, violation: Violation): Finding[] {
  switch (error.keyword) {
    case "additionalProperties":
      return [explainUnknownKey(error, violation)];
    case "required":
      return [explainMissingKey(error, violation)];
    case "anyOf":
    case "oneOf":
      return explainChoice(error, violation);
    default:
      return [explainValue(error, violation)];
  }
}

function explainUnknownKey(error: ErrorObject, { subject, path, node }: Violation): Finding {
  const key = String(error.params.additionalProperty);
  const known = keysOf(error);
  const place = node.kind === "map" ? node.entries.get(key)?.keyPlace : undefined;
  const isOuter = path.length === 0;
  const where = isOuter ? subject.keys : `key of ${nameOf(path)}`;
  const list = known.length === 0 ? "there are none" : `known: ${listNames(known)}`;
  return {
    code: "unknown-key",
    message: `${subject.prefix}${quote(key)} is no ${where}${viaOf(node)}.`,
    place: place ?? node.place,
    hint: (isOuter ? subject.hintForKey?.(key) : undefined) ?? didYouMean(key, known, list),
  };
}

function explainMissingKey(error: ErrorObject, { subject, path, node, steps }: Violation): Finding {
  const key = String(error.params.missingProperty);
  const schema = (error.parentSchema as SchemaNode).properties?.[key];
  const keyPlace = path.length === 0 ? subject.place : steps.at(-1)?.keyPlace;
  const where = path.length === 0 ? "" : ` in ${nameOf(path)}`;
  const wanted = schema === undefined ? "" : `: ${describeSchema(schema)}${exampleOf(schema)}`;
  return {
    code: "missing-key",
    message: `${subject.prefix}${quote(key)} is missing${where}${viaOf(node)}.`,
    place: keyPlace ?? node.place,
    hint: `add "${key}"${wanted}`,
  };
}

function exampleOf({ examples = [] }: SchemaNode): string {
  const short = examples
    .map((example) => JSON.stringify(example))
    .find((text) => text.length <= 60);
  return short === undefined ? "" : `, such as ${short}`;
}

function explainChoice(error: ErrorObject, violation: Violation): Finding[] {
  const branches = error.schema as readonly SchemaNode[];
  const branch = chooseBranch(branches, violation.node);
  if (branch === undefined) return [explainValue(error, violation)];
  const { subject, path } = violation;
  const validate = validatorOf(branch);
  validate(jsonOf(violation.node));
  const findings = findingsOf(validate.errors ?? [], subject, path);
  return findings.length > 0 ? findings : [explainValue(error, violation)];
}

function explainValue(error: ErrorObject, violation: Violation): Finding {
  const { subject, path, node } = violation;
  const schema = error.parentSchema as SchemaNode;
  const whole = subject.prefix === "" ? "The file" : subject.prefix.replace(/: $/, "");
  const name = path.length === 0 ? whole : `${subject.prefix}${nameOf(path)}`;
  return {
    code: codeOf(error.keyword),
    message: `${name} ${demandOf(error, schema, node)}${viaOf(node)}.`,
    place: placeOf(violation),
    hint: hintForType(schema, node),
  };
}

/** An empty value has no extent of its own: its key is shown. */
function placeOf({ subject, path, node, steps }: Violation): Place {
  if (path.length === 0 && node.kind === "scalar" && node.text === "") return subject.place;
  const isEmpty = node.kind === "scalar" && node.value === null && node.text === "";
  return (isEmpty ? steps.at(-1)?.keyPlace : undefined) ?? node.place;
}

function codeOf(keyword: string): string {
  switch (keyword) {
    case "type":
    case "anyOf":
    case "oneOf":
      return "wrong-value-type";
    case "enum":
    case "const":
      return "unknown-value";
    default:
      return "value-out-of-range";
  }
}

/** After the name of what is wrong: `must be a number above 0, but is the string "fast"`. */
function demandOf({ keyword, params }: ErrorObject, schema: SchemaNode, node: SourceNode): string {
  switch (keyword) {
    case "minItems":
      return `must have at least ${countOf(params.limit, "item")}`;
    case "maxItems":
      return `must have at most ${countOf(params.limit, "item")}`;
    case "minProperties":
      return `must have at least ${countOf(params.limit, "key")}`;
    case "maxProperties":
      return `must have at most ${countOf(params.limit, "key")}`;
    case "minLength":
      return params.limit === 1
        ? "must not be empty"
        : `must have at least ${params.limit} characters`;
    case "maxLength":
      return `must have at most ${countOf(params.limit, "character")}`;
    case "uniqueItems":
      return `has one item twice: items ${params.j} and ${params.i} are equal`;
    case "pattern":
      return `must match the pattern ${params.pattern}, but is ${describeValue(node)}`;
    case "propertyNames":
      return `cannot have the key ${quote(String(params.propertyName))}`;
    case "multipleOf":
      return `must be a multiple of ${params.multipleOf}, but is ${describeValue(node)}`;
    case "dependencies":
    case "dependentRequired":
      return `needs ${quote(String(params.missingProperty))} beside ${quote(String(params.property))}`;
    case "not":
    case "contains":
      return `cannot be ${describeValue(node)}`;
    default:
      return `must be ${describeSchema(schema)}, but is ${describeValue(node)}`;
  }
}

function countOf(limit: number, noun: string): string {
  return `${limit} ${noun}${limit === 1 ? "" : "s"}`;
}

/** `"rules[3].min_characters"`. */
function nameOf(path: ParamPath): string {
  const name = path
    .map((segment) => (/^[0-9]+$/.test(String(segment)) ? `[${segment}]` : `.${segment}`))
    .join("");
  return quote(name.replace(/^\./, ""));
}

function viaOf(node: SourceNode): string {
  return node.via === undefined ? "" : ` (from ${node.via})`;
}
