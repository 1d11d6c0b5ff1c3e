import type { Graph, Value } from "./graph.ts";

/** One operation of a graph that is run operation by operation; tensors are named by numbers. */
export interface PlannedNode {
  readonly node: Value;
  /** What it reads, in the order of its inputs. */
  readonly reads: readonly number[];
  /** The tensor that each of its results becomes; a hole where nobody reads it. */
  readonly makes: readonly (number | undefined)[];
  /** What nobody reads after it. */
  readonly frees: readonly number[];
}

/** The order in which a graph is computed, and how long its tensors live. */
export interface ExecutionPlan {
  readonly inputs: ReadonlyMap<Value, number>;
  /** Never freed by a node. */
  readonly constants: ReadonlyMap<Value, number>;
  readonly nodes: readonly PlannedNode[];
  /** Never freed by a node. */
  readonly outputs: ReadonlyMap<string, number>;
}

/** A plan that keeps every tensor from the node that makes it to the last one that reads it. */
export function executionPlan(graph: Graph): ExecutionPlan {
  const { numberOf, numbersOf } = numbering();
  const computed = graph.nodes.filter(({ op }) => !["Input", "Constant", "Result"].includes(op));
  const read = computed.map((node) => node.inputs.map(numberOf));
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, numberOf(value)]));
  const ofOp = (op: string) =>
    new Map(graph.nodes.filter((node) => node.op === op).map((node) => [node, numberOf(node)]));
  const [inputs, constants] = [ofOp("Input"), ofOp("Constant")];
  const kept = new Set([...outputs.values(), ...constants.values()]);
  const frees = computed.map((): number[] => []);
  for (const [at, numbers] of [...read.entries()].reverse())
    for (const number of numbers)
      if (!kept.has(number)) {
        kept.add(number);
        frees[at]!.push(number);
      }
  const nodes = computed.map((node, at) => ({
    node,
    reads: read[at]!,
    makes: numbersOf(node),
    frees: frees[at]!,
  }));
  return { inputs, constants, nodes, outputs };
}

/** Numbers for the results that are asked for, from 0; equal ones for two values that are one result. */
function numbering() {
  const known = new Map<Value, (number | undefined)[]>();
  let count = 0;
  const numbersOf = (node: Value) => known.get(node) ?? [];
  const numberOf = (value: Value) => {
    const isResult = value.op === "Result";
    const node = isResult ? value.inputs[0]! : value;
    const index = isResult ? (value.attributes.index as number) : 0;
    const numbers = [...numbersOf(node)];
    numbers[index] ??= count++;
    known.set(node, numbers);
    return numbers[index];
  };
  return { numberOf, numbersOf };
}
