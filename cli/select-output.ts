import { type ArtifactTree, narrowTree, partsOf } from "../engine/artifact.ts";
import type { Problem } from "../engine/diagnostic.ts";
import { didYouMean } from "../engine/pipeline/did-you-mean.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import { failure, type Result, success } from "../engine/result.ts";

/** What `STAGE[.PORT[.SPLIT]]` names. */
export interface OutputName {
  readonly stage: PipelineStage;
  readonly port: string;
  readonly split?: string;
}

/** Reads `STAGE[.PORT[.SPLIT]]` or `STAGE.SPLIT`, as `in` does: without a port the first output is meant. */
export function parseOutputName(text: string, pipeline: Pipeline): Result<OutputName, Problem> {
  // A member of a matrix has dots in its name: the longest name that fits is meant.
  const fitting = pipeline.stages.filter(
    ({ name }) => text === name || text.startsWith(`${name}.`),
  );
  const [stage] = fitting.sort((a, b) => b.name.length - a.name.length);
  if (stage === undefined) return failure(unknownStage(text, pipeline));
  const rest = text
    .slice(stage.name.length + 1)
    .split(".")
    .filter(Boolean);
  const ports = Object.keys(stage.kind.outputs);
  const hasPort = rest[0] !== undefined && ports.includes(rest[0]);
  const port = hasPort ? rest[0]! : ports[0]!;
  const [split, ...tooMuch] = hasPort ? rest.slice(1) : rest;
  const mayHaveSplits = stage.kind.outputs[port]?.type.hasParts === true;
  if (split === undefined) return success({ stage, port });
  if (tooMuch.length === 0 && mayHaveSplits) return success({ stage, port, split });
  return failure({
    code: "unknown-output",
    message: `The stage "${stage.name}" has no output "${rest.join(".")}".`,
    hint: didYouMean(rest[0]!, ports) ?? `its outputs: ${ports.join(", ")}`,
  });
}

function unknownStage(text: string, { stages }: Pipeline): Problem {
  const names = stages.map(({ name }) => name);
  const [name = ""] = text.split(".");
  return {
    code: "unknown-stage",
    message: `There is no stage "${name}".`,
    hint: didYouMean(name, names) ?? `the stages: ${names.join(", ")}`,
  };
}

/** The tree of an output, narrowed to the split that was named. */
export function selectSplit(
  tree: ArtifactTree,
  { stage, port, split }: OutputName,
): Result<ArtifactTree, Problem> {
  if (split === undefined) return success(tree);
  const splits = partsOf(tree);
  if (splits.includes(split)) return success(narrowTree(tree, [split]));
  const others = Object.keys(stage.kind.outputs).filter((name) => name !== port);
  return failure({
    code: "unknown-output",
    message: `The output "${port}" of "${stage.name}" has no split "${split}".`,
    hint:
      didYouMean(split, [...splits, ...others]) ??
      `its splits: ${splits.join(", ") || "none"}; its other outputs: ${others.join(", ") || "none"}`,
  });
}
