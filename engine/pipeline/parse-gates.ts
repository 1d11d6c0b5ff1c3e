import type { Gate } from "./pipeline.ts";
import { quote, type Report } from "./report.ts";
import { type Entry, type SourceNode, valueAt } from "./source-node.ts";

/** The form of a condition: an operator and a number. */
export const GATE =
  "^ *(>=|<=|==|!=|>|<) *([-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?) *$";

/** The conditions under a stage's `require`; those that cannot be read are reported and left out. */
export function parseGates(body: SourceNode, prefix: string, report: Report): Gate[] {
  const node = valueAt(body, "require");
  if (node?.kind !== "map") return [];
  return [...node.entries.values()].flatMap((entry) => parseGate(entry, prefix, report));
}

function parseGate({ key, keyPlace, value }: Entry, prefix: string, report: Report): Gate[] {
  if (value.kind === "unknown") return [];
  const text = value.kind === "scalar" ? value.text : "";
  const match = new RegExp(GATE).exec(text);
  const limit = Number(match?.[2]);
  if (value.kind === "scalar" && match !== null && Number.isFinite(limit)) {
    const operator = match[1] as Gate["operator"];
    return [{ metric: key, operator, value: limit, range: value.place.range }];
  }
  const isNumber =
    value.kind === "scalar" && typeof value.value === "number" && Number.isFinite(value.value);
  const shown = value.kind === "scalar" ? quote(text) : `a ${value.kind}`;
  report({
    code: "invalid-condition",
    message: `${prefix}the condition on ${quote(key)} must be an operator and a number, not ${shown}.`,
    place: text === "" && value.kind === "scalar" ? keyPlace : value.place,
    hint: isNumber
      ? `write ">= ${text}" or "<= ${text}"`
      : 'for example ">= 0.6"; operators: >= > <= < == !=',
  });
  return [];
}
