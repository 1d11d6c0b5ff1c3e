import type { Scalar } from "./source-node.ts";

const NUMBER = /^[-+]?(0|[1-9][0-9]*|\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?$/;

/** A text that came from outside the file (an environment variable) as YAML's core schema would read it. */
export function readScalar(text: string): Scalar {
  if (/^(true|True|TRUE)$/.test(text)) return true;
  if (/^(false|False|FALSE)$/.test(text)) return false;
  if (/^(null|Null|NULL|~)$/.test(text)) return null;
  return NUMBER.test(text) ? Number(text) : text;
}
