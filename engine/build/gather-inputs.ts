import type { Digest } from "../../cache/digest.ts";
import { type ArtifactTree, narrowToPath, narrowTree } from "../artifact.ts";
import type { Problem } from "../diagnostic.ts";
import type { PipelineStage, Reference } from "../pipeline/pipeline.ts";
import type { Candidate } from "../stage.ts";
import { digestOfTree, type StoredArtifact } from "./artifact-tree.ts";
import type { Built } from "./built.ts";

/** What a stage reads of the stages above it, by port. */
export interface GatheredInputs {
  readonly inputs: Readonly<Record<string, Digest>>;
  readonly trees: Readonly<Record<string, ArtifactTree>>;
  /** Of a stage that passes on one of its inputs: the name of the stage that gave it. */
  readonly chosen?: string;
}

/** The inputs of a stage whose upstream is up to date. Of a stage that chooses, only the one chosen: the key holds no other. */
export function gatherInputs(
  stage: PipelineStage,
  upstream: (name: string) => Built,
): GatheredInputs | { readonly problem: Problem } {
  const ports =
    stage.kind.choose === undefined ? Object.keys(stage.inputs) : choosePort(stage, upstream);
  if ("code" in ports) return { problem: ports };
  const inputs: Record<string, Digest> = {};
  const trees: Record<string, ArtifactTree> = {};
  for (const port of ports) {
    const reference = stage.inputs[port]!;
    const { digest, tree } = selectInput(upstream(reference.stage), reference);
    // A member's own name is none of what a choice depends on.
    const name = stage.kind.choose === undefined ? port : withoutLabel(port);
    inputs[name] = digest;
    trees[name] = tree;
  }
  if (stage.kind.choose === undefined) return { inputs, trees };
  return { inputs, trees, chosen: stage.inputs[ports[0]!]!.stage };
}

/** The port of the input that is chosen: the first port holds the candidates, the second what their metrics come from. */
function choosePort(
  { kind, params, inputs, name }: PipelineStage,
  upstream: (name: string) => Built,
): readonly [string] | Problem {
  const [first = "", second = ""] = Object.keys(kind.inputs);
  const isMeasured = Object.keys(inputs).some((port) => withoutLabel(port) === second);
  const candidates = new Map<Candidate, string>();
  for (const [port, { stage }] of Object.entries(inputs)) {
    if (withoutLabel(port) !== first) continue;
    const measured = isMeasured ? inputs[`${second}${port.slice(first.length)}`] : inputs[port];
    if (measured === undefined) {
      const message = `Stage "${name}": nothing under "${second}" belongs to "${stage}".`;
      const hint = "give the stage that measures the same matrix";
      return { code: "candidate-without-metrics", message, hint };
    }
    candidates.set({ name: stage, metrics: upstream(measured.stage).metrics }, port);
  }
  const chosen = kind.choose!(params, [...candidates.keys()]);
  return "code" in chosen ? chosen : [candidates.get(chosen)!];
}

function withoutLabel(port: string): string {
  return port.replace(/\[.*$/, "");
}

/** The part of an upstream stage's output that a reference reads. */
export function selectInput(upstream: Built, reference: Reference): StoredArtifact {
  const output = upstream.outputs[reference.port];
  if (output === undefined)
    throw new Error(`internal: "${reference.stage}" has no output "${reference.port}"`);
  const { parts, path } = reference;
  if (parts === undefined && path === undefined) return output;
  const whole = parts === undefined ? output.tree : narrowTree(output.tree, parts);
  const tree = path === undefined ? whole : narrowToPath(whole, path);
  return { tree, digest: digestOfTree(tree) };
}
