import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { inputsShown } from "./inputs-shown.ts";

/** The pipeline as a Mermaid flowchart: kinds in the boxes, ports and splits on the arrows. */
export function mermaidOf({ stages }: Pipeline): string {
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const ids = new Map(stages.map(({ name }, i) => [name, `s${i}`]));
  const lines = ["flowchart TD"];
  for (const { name, kind } of stages) {
    const label = name === kind.kind ? name : `${name}<br/><i>${kind.kind}</i>`;
    lines.push(`  ${ids.get(name)}["${label}"]`);
  }
  for (const stage of stages) {
    for (const { stage: from, detail } of inputsShown(stage, byName)) {
      const arrow = detail === "" ? "-->" : `-->|${detail}|`;
      lines.push(`  ${ids.get(from)} ${arrow} ${ids.get(stage.name)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
