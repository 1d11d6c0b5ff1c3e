import type { ErrorObject } from "ajv";
import type { Json, ParamPath } from "../stage.ts";
import { findingsOf, pathOf, type Subject } from "./explain-violation.ts";
import { validatorOf } from "./json-schema.ts";
import type { Report } from "./report.ts";
import { hasUnknown, jsonOf, type ScalarNode, type SourceNode, walk } from "./source-node.ts";

/**
 * The subject's value with the schema's defaults filled in, or undefined after every violation was reported at the
 * key or value it concerns. Nothing is said about values whose error is already known.
 */
export function checkSchema(schema: object, subject: Subject, report: Report): Json | undefined {
  const validate = validatorOf(schema);
  let value = jsonOf(subject.node);
  if (!validate(value)) {
    value = asText(value, subject.node, validate.errors ?? []);
    validate(value);
  }
  if (validate.errors) for (const finding of findingsOf(validate.errors, subject)) report(finding);
  return validate.errors || hasUnknown(subject.node) ? undefined : value;
}

/** The value with text for environment variables where text is wanted: there `123` is not the number. */
function asText(value: Json, root: SourceNode, errors: readonly ErrorObject[]): Json {
  let result = value;
  for (const error of errors) {
    if (error.keyword !== "type" || !String(error.params.type).includes("string")) continue;
    const path = pathOf(error);
    const node = walk(root, path)[path.length]?.node;
    if (node?.kind === "scalar" && node.style === "environment")
      result = replaceIn(result, path, node);
  }
  return result;
}

function replaceIn(value: Json, path: ParamPath, node: ScalarNode): Json {
  const [segment, ...rest] = path;
  if (segment === undefined) return node.text;
  if (Array.isArray(value)) {
    return value.map((item, i) => (i === Number(segment) ? replaceIn(item, rest, node) : item));
  }
  const map = value as { readonly [key: string]: Json };
  return { ...map, [segment]: replaceIn(map[segment] ?? null, rest, node) };
}
