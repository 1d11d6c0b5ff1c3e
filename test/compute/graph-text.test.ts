import assert from "node:assert/strict";
import { test } from "node:test";
import { gradientRules, gradients } from "../../compute/autodiff.ts";
import { graphOf, input, toText, type Value } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";

const x = input("x", [2, 3]);
const w = input("w", [4, 3]);
const b = input("b", [4]);

/** The text of the gradients of a node's inputs by its rule, where g is the gradient of its result. */
function ruleText(y: Value): string[] {
  const g = input("g", y.shape);
  const found = gradientRules[y.op]!(y, g, [g]);
  const named = found.flatMap((value, i) =>
    value === undefined ? [] : [[`g${i}`, value] as const],
  );
  return toText(graphOf(Object.fromEntries(named))).split("\n");
}

test("a graph reads top to bottom, inputs by name, scalars in place", () => {
  const y = ops.gelu(ops.linear(x, w, b), "erf");
  const labels = input("labels", [2], "int64");
  assert.deepEqual(toText(graphOf({ y, loss: ops.softmaxCrossEntropy(y, labels) })).split("\n"), [
    "inputs x:float32[2,3] w:float32[4,3] b:float32[4] labels:int64[2]",
    "%1:float32[2,4] = Linear x w b",
    "%2:float32[2,4] = Gelu[approximate=erf] %1",
    "%3:bool[2] = Equal labels -100",
    "%4:int64[2] = Where %3 0 labels",
    "%5:float32[2] = CrossEntropyRows %2 %4",
    "%6:float32[2] = Where %3 0 1",
    "%7:float32[2] = Mul %5 %6",
    "%8:float32[] = ReduceSum[axes=(0)] %7",
    "%9:float32[] = ReduceSum[axes=(0)] %6",
    "%10:float32[] = Div %8 %9",
    "outputs y=%2 loss=%10",
  ]);
});

test("the gradient of a linear layer is two products and a sum", () => {
  assert.deepEqual(ruleText(ops.linear(input("x", [5, 2, 3]), w, b)), [
    "inputs g:float32[5,2,4] w:float32[4,3] x:float32[5,2,3]",
    "%1:float32[10,4] = Reshape[shape=(10,4)] g",
    "%2:float32[10,3] = Gemm %1 w",
    "%3:float32[5,2,3] = Reshape[shape=(5,2,3)] %2",
    "%4:float32[10,3] = Reshape[shape=(10,3)] x",
    "%5:float32[4,3] = Gemm[transA=true] %1 %4",
    "%6:float32[4] = ReduceSum[axes=(0)] %1",
    "outputs g0=%3 g1=%5 g2=%6",
  ]);
});

test("the gradient of tanh reads its result", () => {
  assert.deepEqual(ruleText(ops.tanh(x)), [
    "inputs g:float32[2,3] x:float32[2,3]",
    "%1:float32[2,3] = Tanh x",
    "%2:float32[2,3] = Mul %1 %1",
    "%3:float32[2,3] = Sub 1 %2",
    "%4:float32[2,3] = Mul g %3",
    "outputs g0=%4",
  ]);
});

test("the gradient of gelu reads its input alone", () => {
  assert.deepEqual(ruleText(ops.gelu(x, "erf")), [
    "inputs g:float32[2,3] x:float32[2,3]",
    "%1:float32[2,3] = Mul x 0.7071068",
    "%2:float32[2,3] = Erf %1",
    "%3:float32[2,3] = Add %2 1",
    "%4:float32[2,3] = Mul %3 0.5",
    "%5:float32[2,3] = Mul %1 %1",
    "%6:float32[2,3] = Sub -0.5723649 %5",
    "%7:float32[2,3] = Exp %6",
    "%8:float32[2,3] = Mul %1 %7",
    "%9:float32[2,3] = Add %4 %8",
    "%10:float32[2,3] = Mul g %9",
    "outputs g0=%10",
  ]);
});

test("the gradient of layerNorm reads the statistics that it saved", () => {
  assert.deepEqual(ruleText(ops.layerNorm(x, input("scale", [3]), input("bias", [3]), 1e-5)), [
    "inputs x:float32[2,3] scale:float32[3] bias:float32[3] g:float32[2,3]",
    "%1:float32[2,3] = LayerNormalization[eps=0.00001] x scale bias",
    "%2:float32[2,1] = Result[index=2] %1",
    "%3:float32[2,3] = Mul g scale",
    "%4:float32[2,1] = ReduceMean[axes=(1) keepDims=true] %3",
    "%5:float32[2,3] = Sub %3 %4",
    "%6:float32[2,1] = Result[index=1] %1",
    "%7:float32[2,3] = Sub x %6",
    "%8:float32[2,3] = Mul %7 %2",
    "%9:float32[2,3] = Mul %3 %8",
    "%10:float32[2,1] = ReduceMean[axes=(1) keepDims=true] %9",
    "%11:float32[2,3] = Mul %8 %10",
    "%12:float32[2,3] = Sub %5 %11",
    "%13:float32[2,3] = Mul %2 %12",
    "%14:float32[2,3] = Mul g %8",
    "%15:float32[3] = ReduceSum[axes=(0)] %14",
    "%16:float32[3] = ReduceSum[axes=(0)] g",
    "outputs g0=%13 g1=%15 g2=%16",
  ]);
});

test("the gradient of attention reads the probabilities, and sums over the smaller output", () => {
  const [q, k, v] = ["q", "k", "v"].map((name) => input(name, [1, 2, 4, 3]));
  const dropoutMask = input("mask", [1, 2, 4, 4], "uint8");
  assert.deepEqual(ruleText(ops.attention(q!, k!, v!, { scale: 0.5, dropoutMask, p: 0.2 })), [
    "inputs q:float32[1,2,4,3] k:float32[1,2,4,3] v:float32[1,2,4,3] mask:uint8[1,2,4,4] g:float32[1,2,4,3]",
    "%1:float32[1,2,4,3] = Attention[scale=0.5 p=0.2] q k v mask",
    "%2:float32[1,2,4,4] = Result[index=2] %1",
    "%3:float32[1,2,4,3] = Mul g 1.25",
    "%4:float32[1,2,3,4] = Transpose[perm=(0,1,3,2)] v",
    "%5:float32[1,2,4,4] = MatMul %3 %4",
    "%6:float32[1,2,4,4] = Mul %2 %5",
    "%7:float32[1,2,4,4] = Result[index=1] %1",
    "%8:float32[1,2,4,3] = Mul g %1",
    "%9:float32[1,2,4,1] = ReduceSum[axes=(3) keepDims=true] %8",
    "%10:float32[1,2,4,4] = Mul %7 %9",
    "%11:float32[1,2,4,4] = Sub %6 %10",
    "%12:float32[1,2,4,3] = MatMul %11 k",
    "%13:float32[1,2,4,3] = Mul %12 0.5",
    "%14:float32[1,2,4,4] = Transpose[perm=(0,1,3,2)] %11",
    "%15:float32[1,2,4,3] = Mul q 0.5",
    "%16:float32[1,2,4,3] = MatMul %14 %15",
    "%17:float32[1,2,4,4] = Transpose[perm=(0,1,3,2)] %2",
    "%18:float32[1,2,4,3] = MatMul %17 %3",
    "outputs g0=%13 g1=%16 g2=%18",
  ]);
});

test("what two paths read gets the sum of their gradients; what none reads gets zeros", () => {
  const at = input("x", []);
  const [g, none] = gradients(ops.add(ops.mul(at, at), at), [at, input("u", [2])]);
  assert.deepEqual(toText(graphOf({ g: g!, none: none! })).split("\n"), [
    "inputs x:float32[]",
    "%1:float32[] = Mul 1 x",
    "%2:float32[] = Add 1 %1",
    "%3:float32[] = Mul 1 x",
    "%4:float32[] = Add %2 %3",
    "%5:float32[2] = Constant[data=(0,0)]",
    "outputs g=%4 none=%5",
  ]);
});
