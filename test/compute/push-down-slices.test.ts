import assert from "node:assert/strict";
import { test } from "node:test";
import { graphOf, input, toText, type Value } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { pushDownSlices } from "../../compute/push-down-slices.ts";

const x = input("x", [2, 5, 4]);
const first = (value: Value) => ops.slice(value, { axes: [1], starts: [0], ends: [1] });

function pushed(outputs: Record<string, Value>): string[] {
  const values = pushDownSlices(Object.values(outputs));
  const named = Object.keys(outputs).map((name, i) => [name, values[i]!] as const);
  return toText(graphOf(Object.fromEntries(named))).split("\n");
}

test("a slice moves through rows, broadcasts, transposes and reshapes to what is given", () => {
  const y = ops.add(ops.linear(x, input("w", [6, 4])), input("b", [1, 6]));
  const heads = ops.transpose(ops.reshape(ops.gelu(y, "erf"), [2, 5, 3, 2]), [0, 2, 1, 3]);
  const part = ops.slice(heads, { axes: [2], starts: [0], ends: [1] });
  assert.deepEqual(pushed({ part }), [
    "inputs x:float32[2,5,4] w:float32[6,4] b:float32[1,6]",
    "%1:float32[2,1,4] = Slice[axes=(1) starts=(0) ends=(1)] x",
    "%2:float32[2,1,6] = Linear %1 w",
    "%3:float32[2,1,6] = Add %2 b",
    "%4:float32[2,1,6] = Gelu[approximate=erf] %3",
    "%5:float32[2,1,3,2] = Reshape[shape=(2,1,3,2)] %4",
    "%6:float32[2,3,1,2] = Transpose[perm=(0,2,1,3)] %5",
    "outputs part=%6",
  ]);
});

test("attention keeps its keys and values whole, and takes its own rows of the masks", () => {
  const heads = ops.reshape(x, [2, 1, 5, 4]);
  const mixed = ops.attention(heads, heads, heads, {
    scale: 0.5,
    mask: input("mask", [2, 1, 1, 5]),
    dropoutMask: input("dropped", [2, 1, 5, 5], "uint8"),
    p: 0.5,
  });
  assert.deepEqual(pushed({ y: ops.slice(mixed, { axes: [2], starts: [0], ends: [1] }) }), [
    "inputs x:float32[2,5,4] mask:float32[2,1,1,5] dropped:uint8[2,1,5,5]",
    "%1:float32[2,1,5,4] = Reshape[shape=(2,1,5,4)] x",
    "%2:float32[2,1,1,4] = Slice[axes=(2) starts=(0) ends=(1)] %1",
    "%3:uint8[2,1,1,5] = Slice[axes=(2) starts=(0) ends=(1)] dropped",
    "%4:float32[2,1,1,4] = Attention[scale=0.5 masked=true p=0.5] %2 %1 %1 mask %3",
    "outputs y=%4",
  ]);
});

test("a mask is computed only where it is read", () => {
  const sums = ops.add(input("rows", [2, 5, 1], "int32"), input("columns", [4], "int32"));
  const dropped = ops.dropout(x, ops.greater(ops.mul(sums, sums), 7), 0.5);
  assert.deepEqual(pushed({ part: first(dropped) }), [
    "inputs x:float32[2,5,4] rows:int32[2,5,1] columns:int32[4]",
    "%1:float32[2,1,4] = Slice[axes=(1) starts=(0) ends=(1)] x",
    "%2:int32[2,1,1] = Slice[axes=(1) starts=(0) ends=(1)] rows",
    "%3:int32[2,1,4] = Add %2 columns",
    "%4:int32[2,1,4] = Mul %3 %3",
    "%5:bool[2,1,4] = Greater %4 7",
    "%6:float32[2,1,4] = Dropout[p=0.5] %1 %5",
    "outputs part=%6",
  ]);
});

test("what is read whole, in two parts, along its rows or as an output is computed whole", () => {
  const y = ops.tanh(x);
  const whole = (outputs: Record<string, Value>) =>
    assert.deepEqual(pushed(outputs), toText(graphOf(outputs)).split("\n"));
  whole({ part: first(y), all: y });
  whole({ a: first(y), b: ops.slice(y, { axes: [1], starts: [1], ends: [2] }) });
  whole({ a: first(y), sum: ops.reduceSum(y, [1]) });
  whole({ a: ops.slice(ops.softmax(x), { axes: [2], starts: [0], ends: [1] }) });
  whole({ a: ops.slice(y, { axes: [0, 1], starts: [0, 0], ends: [1, 1] }) });
});
