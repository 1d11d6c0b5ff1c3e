import { isAbsolute, relative, resolve, sep } from "node:path";
import { quote } from "../pipeline/report.ts";
import { type MapNode, type ScalarNode, valueAt } from "../pipeline/source-node.ts";
import type { AnyStage } from "../stage.ts";
import { ownKind, typesOf } from "./own-kind.ts";
import type { Reading } from "./read-modules.ts";

/**
 * The kinds of stages that a pipeline brings itself: `uses` names their file. By what stands under `uses`; undefined
 * for a file whose errors are reported. Nothing of them is executed.
 */
export async function readOwnStages(
  root: MapNode,
  kinds: readonly AnyStage[],
  reading: Reading,
): Promise<ReadonlyMap<string, AnyStage | undefined>> {
  const { folder, allowOutside } = reading.location;
  const types = typesOf(kinds);
  const own = new Map<string, AnyStage | undefined>();
  const byPath = new Map<string, AnyStage | undefined>();
  for (const { text: written, place } of ownIn(root)) {
    if (own.has(written)) continue;
    const absolute = resolve(folder, written);
    if (isAbsolute(written) && !allowOutside) {
      const message = `The path ${quote(written)} is absolute.`;
      const hint = "write it relative to the pipeline file, as ./my-stage.ts";
      reading.report({ code: "absolute-path", message, place, hint });
      own.set(written, undefined);
      continue;
    }
    if (!byPath.has(absolute)) {
      // Most pipelines have none: then what reads them is not loaded.
      const { readOwnStage } = await import("./read-own-stage.ts");
      const wanted = { absolute, place, written };
      const code = await readOwnStage(wanted, { ...reading, types: [...types.keys()] });
      const name = relative(folder, absolute).split(sep).join("/");
      const shown = name.startsWith("../") ? name : `./${name}`;
      byPath.set(absolute, code && ownKind(shown, code, types));
    }
    own.set(written, byPath.get(absolute));
  }
  return own;
}

/** Whether `uses` names a file rather than a kind. */
function isPath(uses: string): boolean {
  return /^(\.{1,2}\/|\/)/.test(uses);
}

function ownIn(root: MapNode): ScalarNode[] {
  const stages = valueAt(root, "stages");
  if (stages?.kind !== "map") return [];
  return [...stages.entries.values()].flatMap(({ value }) => {
    const uses = valueAt(value, "uses");
    return uses?.kind === "scalar" && typeof uses.value === "string" && isPath(uses.value)
      ? [uses]
      : [];
  });
}
