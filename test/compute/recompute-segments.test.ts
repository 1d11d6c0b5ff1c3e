import assert from "node:assert/strict";
import { test } from "node:test";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import { constant, input, toText } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";

/** Three layers, each a product and a tanh; a segment begins with what each reads. */
function threeLayers() {
  const weights = ["a", "b", "c"].map((name) => input(name, [2, 2]));
  const boundaries = [input("x", [3, 2])];
  for (const weight of weights)
    boundaries.push(ops.tanh(ops.exp(ops.matMul(boundaries.at(-1)!, weight))));
  const loss = ops.reduceSum(boundaries.pop()!, [0, 1]);
  return { loss, boundaries, weights };
}

test("a segment is computed again once the gradients of the segment after it are there", () => {
  const { loss, boundaries, weights } = threeLayers();
  const { graph } = gradientGraph({ loss }, weights, { boundaries });
  const lines = toText(graph).split("\n");
  assert.deepEqual(lines.slice(24, 36), [
    "%24:float32[2,2] = MatMul %23 %17", // the gradient of c
    "%25:float32[1,1] = Slice[axes=(0,1) starts=(0,0) ends=(1,1)] %24",
    "%26:float32[1] = Reshape[shape=(1)] %25",
    "%27:float32[] = ReduceSum[axes=(0)] %26",
    "%28:bool[] = Greater %27 0",
    "%29:float32[] = Cast[to=float32] %28",
    "%30:float32[] = Mul %29 0",
    "%31:float32[] = Add %30 1",
    "%32:float32[3,2] = Mul %3 %31", // the boundary, times one
    "%33:float32[3,2] = MatMul %32 b",
    "%34:float32[3,2] = Exp %33",
    "%35:float32[3,2] = Mul %22 %34",
  ]);
  assert.equal(lines.at(-1), "outputs loss=%10 a.gradient=%54 b.gradient=%42 c.gradient=%24");
});

test("without boundaries nothing is computed again", () => {
  const { loss, weights } = threeLayers();
  const { graph } = gradientGraph({ loss }, weights);
  assert.equal(graph.nodes.filter(({ op }) => op === "Exp").length, 3);
});

test("what another segment reads is kept", () => {
  const { boundaries, weights } = threeLayers();
  const [x, y] = boundaries;
  const shared = ops.exp(ops.matMul(x!, weights[0]!));
  const z = ops.tanh(ops.mul(ops.exp(y!), shared));
  const loss = ops.reduceSum(ops.exp(z), [0, 1]);
  const { graph } = gradientGraph({ loss }, weights, { boundaries: [x!, y!, z] });
  const count = (name: string) => graph.nodes.filter(({ op }) => op === name).length;
  assert.equal(count("Exp"), 4); // of y twice, of the product and of z once
});

test("what comes from no boundary is computed again where one segment alone reads it, when that has its turn", () => {
  const weights = ["a", "b", "c"].map((name) => input(name, [2, 2]));
  const keys = ops.mul(input("keys", [3, 1], "int32"), 5); // for all segments
  const boundaries = [input("x", [3, 2])];
  for (const [i, weight] of weights.entries()) {
    const mask = ops.greater(ops.mul(keys, i + 1), constant([i, 7], [2], "int32"));
    const y = ops.dropout(ops.matMul(boundaries.at(-1)!, weight), mask, 0.5);
    boundaries.push(ops.exp(y));
  }
  const loss = ops.reduceSum(boundaries.pop()!, [0, 1]);
  const { graph } = gradientGraph({ loss }, weights, { boundaries });
  const lines = toText(graph).split("\n");
  assert.deepEqual(lines.slice(33, 42), [
    "%33:float32[] = ReduceSum[axes=(0)] %32", // of the gradient of c
    "%34:bool[] = Greater %33 0",
    "%35:int32[] = Cast[to=int32] %34",
    "%36:int32[] = Mul %35 0",
    "%37:int32[] = Add %36 1",
    "%38:int32[3,1] = Mul %2 %37", // the keys, times one
    "%39:int32[3,1] = Mul %38 2",
    "%40:bool[3,2] = Greater %39 %10",
    "%41:float32[3,2] = Dropout[p=0.5] %28 %40",
  ]);
});
