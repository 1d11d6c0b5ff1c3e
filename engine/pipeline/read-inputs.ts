import type { StageDraft } from "./check-stage.ts";
import { didYouMean, nearestName } from "./did-you-mean.ts";
import { listNames, quote, type Report } from "./report.ts";
import type { SourceNode } from "./source-node.ts";

/**
 * What stands under a stage's `in`, by input port. A port whose name was misspelt has no value, so that it does not
 * count as missing, too. Undefined when `in` has a form whose error is reported elsewhere.
 */
export function readInputs(
  draft: StageDraft,
  node: SourceNode | undefined,
  report: Report,
): Map<string, SourceNode | undefined> | undefined {
  if (node === undefined) return new Map();
  const ports = Object.keys(draft.kind?.inputs ?? {});
  const [first] = ports;
  if (first === undefined) {
    const message = `Stage ${quote(draft.name)} (${draft.kind?.kind}) reads no other stage.`;
    report({ code: "no-inputs", message, place: node.place, hint: 'delete "in"' });
    return undefined;
  }
  if (node.kind === "scalar" && typeof node.value === "string") return new Map([[first, node]]);
  if (node.kind !== "map") return undefined;
  const references = new Map<string, SourceNode | undefined>();
  for (const { key, keyPlace, value } of node.entries.values()) {
    if (ports.includes(key)) {
      references.set(key, value);
      continue;
    }
    const message = `Stage ${quote(draft.name)} (${draft.kind?.kind}) has no input ${quote(key)}.`;
    const hint = didYouMean(key, ports, `inputs: ${listNames(ports)}`);
    report({ code: "unknown-input", message, place: keyPlace, hint });
    const meant = nearestName(key, ports);
    references.set(key, undefined);
    if (meant !== undefined && !node.entries.has(meant)) references.set(meant, undefined);
  }
  return references;
}
