import type { Pipeline, PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { drawRails } from "./draw-rails.ts";
import { inputsShown } from "./inputs-shown.ts";

/** The pipeline as text: a line a stage in the order of running, rails for what flows, then name, kind and inputs. */
export function drawGraph({ stages }: Pipeline): string {
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const rails = drawRails(
    stages.map(({ name, inputs }) => ({
      name,
      upstream: Object.values(inputs).map(({ stage }) => stage),
    })),
  );
  const nameWidth = Math.max(0, ...stages.map(({ name }) => name.length));
  const kindWidth = Math.max(0, ...stages.map(({ kind }) => kind.kind.length));
  const lines = stages.map((stage, i) => {
    const columns = [rails[i], stage.name.padEnd(nameWidth), stage.kind.kind.padEnd(kindWidth)];
    return `${[...columns, describeFlow(stage, byName)].join("  ").trimEnd()}\n`;
  });
  return lines.join("");
}

/** `tokens.train, tokenizer -> out/model` */
function describeFlow(stage: PipelineStage, byName: ReadonlyMap<string, PipelineStage>): string {
  const inputs = inputsShown(stage, byName).map(({ stage: from, detail }) =>
    detail === "" ? from : `${from}.${detail}`,
  );
  const files = stage.sources.filter(({ module }) => module === undefined);
  const reads = [...inputs, ...files.map(({ shown }) => shown)].join(", ");
  return stage.destination === undefined ? reads : `${reads} -> ${stage.destination.shown}`;
}
