import { didYouMean } from "./did-you-mean.ts";
import { mergeMaps } from "./include.ts";
import { listNames, quote, type Report } from "./report.ts";
import {
  type Entry,
  type MapNode,
  mapOf,
  type SourceNode,
  unknownAt,
  valueAt,
} from "./source-node.ts";

/**
 * The file with each stage that names a `template` made of the template's keys and, before them, its own; maps such as
 * `with` are joined key by key. Templates are taken out: they are checked as the stages that use them.
 */
export function applyTemplates(root: MapNode, report: Report): MapNode {
  const templates = valueAt(root, "templates");
  if (templates !== undefined) checkTemplates(templates, report);
  const entries = [...root.entries.values()].flatMap((entry) => {
    if (entry.key === "templates") return [];
    if (entry.key !== "stages" || entry.value.kind !== "map") return [entry];
    const stages = [...entry.value.entries.values()].map((stage) =>
      applyTemplate(stage, templates, report),
    );
    return [{ ...entry, value: mapOf(stages, entry.value.place) }];
  });
  return mapOf(entries, root.place);
}

function checkTemplates(templates: SourceNode, report: Report): void {
  const bodies = templates.kind === "map" ? [...templates.entries.values()] : [];
  const wrong =
    templates.kind === "map"
      ? bodies.map(({ value }) => value).filter(({ kind }) => kind !== "map" && kind !== "unknown")
      : [templates].filter(({ kind }) => kind !== "unknown");
  for (const { place } of wrong) {
    const message = "Templates are maps of keys that a stage may have, by name.";
    const hint = "write templates: { trained: { uses: fine-tune, with: { … } } }";
    report({ code: "invalid-template", message, place, hint });
  }
  for (const { value } of bodies) {
    const nested = value.kind === "map" ? value.entries.get("template") : undefined;
    if (nested === undefined) continue;
    const message = "A template cannot use another one.";
    report({
      code: "nested-template",
      message,
      place: nested.keyPlace,
      hint: "write its keys here",
    });
  }
}

function applyTemplate(stage: Entry, templates: SourceNode | undefined, report: Report): Entry {
  const named = valueAt(stage.value, "template");
  if (stage.value.kind !== "map" || named === undefined) return stage;
  const { place } = stage.value;
  const own = mapOf(without(stage.value, "template"), place);
  const name = named.kind === "scalar" ? named.text : "";
  const template = templates && valueAt(templates, name);
  if (template?.kind === "map") {
    const base = mapOf(without(template, "template"), template.place);
    return { ...stage, value: { ...mergeMaps(base, own), place } };
  }
  if (template === undefined) {
    const names = templates?.kind === "map" ? [...templates.entries.keys()] : [];
    const known = names.length > 0 ? `templates: ${listNames(names)}` : 'there is no "templates"';
    const message = `Stage ${quote(stage.key)}: there is no template ${quote(name)}.`;
    const hint = didYouMean(name, names, known);
    report({ code: "unknown-template", message, place: named.place, hint });
  }
  return { ...stage, value: unknownAt(place) };
}

function without(map: MapNode, key: string): Entry[] {
  return [...map.entries.values()].filter((entry) => entry.key !== key);
}
