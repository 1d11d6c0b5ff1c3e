import type { StageDraft } from "./check-stage.ts";
import type { Report } from "./report.ts";
import type { Links } from "./resolve-references.ts";
import { topologicalOrder } from "./topological-order.ts";

/** The drafts in an order in which each comes after what it reads; reports each cycle and leaves out what depends on it. */
export function orderStages(
  drafts: ReadonlyMap<string, StageDraft>,
  links: ReadonlyMap<string, Links>,
  report: Report,
): StageDraft[] {
  const upstream = (name: string) => links.get(name)?.links.map(({ from }) => from.name) ?? [];
  const { sorted, cycles } = topologicalOrder(
    new Map([...drafts.keys()].map((name) => [name, upstream(name)])),
  );
  for (const cycle of cycles) {
    const [first = "", second = first] = cycle;
    const link = links.get(first)?.links.find(({ from }) => from.name === second);
    if (link === undefined || cycle.length === 1) continue;
    const names = cycle.length > 12 ? [...cycle.slice(0, 6), "…", ...cycle.slice(-5)] : cycle;
    const message = `Stages wait for each other: ${[...names, first].join(" -> ")}.`;
    report({
      code: "cycle",
      message,
      place: link.place,
      hint: "let one of them read something else",
    });
  }
  return sorted.flatMap((name) => drafts.get(name) ?? []);
}
