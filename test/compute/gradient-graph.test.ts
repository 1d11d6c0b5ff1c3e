import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../../compute/autodiff.ts";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import { constant, graphOf, input, nameOf, toText } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { assertClose } from "../rig/assert-close.ts";
import { interpret } from "../rig/interpreter.ts";
import { encoderTensor, smallEncoder } from "../rig/small-encoder.ts";

const table = input("table", [5, 2]);
const ids = input("ids", [3], "int64");
const sum = (x: ReturnType<typeof input>) =>
  ops.reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  );

test("rows of a table are given and their gradient returned, never the table's", () => {
  const scale = input("scale", [2]);
  const { graph, hoisted, dense } = gradientGraph(
    { loss: sum(ops.mul(ops.gather(table, ids), scale)) },
    [table, scale],
  );
  assert.deepEqual(toText(graph).split("\n"), [
    "inputs table.rows:float32[3,2] scale:float32[2]",
    "%1:float32[3,2] = Mul table.rows scale",
    "%2:float32[] = ReduceSum[axes=(0,1)] %1",
    "%3:float32[1,1] = Reshape[shape=(1,1)] 1",
    "%4:float32[3,2] = Expand[shape=(3,2)] %3",
    "%5:float32[3,2] = Mul %4 table.rows",
    "%6:float32[1,2] = ReduceSum[axes=(0) keepDims=true] %5",
    "%7:float32[2] = Reshape[shape=(2)] %6",
    "%8:float32[3,2] = Mul %4 scale",
    "outputs loss=%2 scale.gradient=%7 table.rows.gradient=%8",
  ]);
  assert.deepEqual([...dense], [["scale", "scale.gradient"]]);
  const [{ lookup, ...names }] = hoisted as [(typeof hoisted)[number]];
  assert.deepEqual(names, { table: "table", rows: "table.rows", gradient: "table.rows.gradient" });
  assert.equal(lookup.table, table);
  assert.equal(lookup.ids, ids);
});

test("a tied table keeps a dense gradient for its other use", () => {
  const rows = ops.gather(table, ids);
  const { graph, hoisted, dense } = gradientGraph({ loss: sum(ops.linear(rows, table)) }, [table]);
  assert.deepEqual([...graph.outputs.keys()], ["loss", "table.gradient", "table.rows.gradient"]);
  assert.deepEqual([...dense], [["table", "table.gradient"]]);

  const values = [1, -2, 3, 0.5, 2, 1, -1, 4, 0.25, 3];
  const made = interpret(graph, { table: values, "table.rows": [0.25, 3, 1, -2, 0.25, 3] });
  const whole = made["table.gradient"]!.slice();
  for (const [i, id] of [4, 0, 4].entries())
    for (const column of [0, 1])
      whole[id * 2 + column]! += made["table.rows.gradient"]![i * 2 + column]!;
  const loss = sum(ops.linear(rows, table));
  const [g] = gradients(loss, [table]);
  assert.deepEqual(whole, interpret(graphOf({ g: g! }), { table: values, ids: [4, 0, 4] }).g);
  assert.equal(hoisted.length, 1);
});

test("two lookups of one table have names of their own; equal ones are one; computed ids stay", () => {
  const fixed = constant([0, 1, 2], [3], "int64");
  const computed = ops.add(ids, 1);
  const loss = [ops.gather(table, ids), ops.gather(table, fixed), ops.gather(table, ids)]
    .map(sum)
    .concat(sum(ops.gather(table, computed)))
    .reduce((a, b) => ops.add(a, b));
  const { graph, hoisted } = gradientGraph({ loss }, []);
  assert.deepEqual(
    hoisted.map(({ rows, lookup, gradient }) => [rows, lookup.ids.op, gradient]),
    [
      ["table.rows", "Input", undefined],
      ["table.rows.1", "Constant", undefined],
    ],
  );
  assert.deepEqual(graph.inputs.map(nameOf).sort(), ["ids", "table", "table.rows", "table.rows.1"]);
});

test("a parameter that the loss does not read has no gradient", () => {
  const { graph, dense } = gradientGraph({ loss: sum(input("a", [2])) }, [
    input("a", [2]),
    input("unread", [3]),
  ]);
  assert.deepEqual([...graph.outputs.keys()], ["loss"]);
  assert.deepEqual([...dense], []);
});

test("a classifier's gradients are those of the graph that computes every token", () => {
  const { loss, logits, hidden, parameters } = smallEncoder({
    batch: 2,
    length: 5,
    width: 8,
    heads: 2,
  });
  const narrow = gradientGraph({ loss, logits }, parameters);
  const whole = gradientGraph({ loss, logits, hidden }, parameters);
  const has = (graph: typeof narrow.graph, shape: string) =>
    graph.nodes.some((node) => node.op === "Gelu" && String(node.shape) === shape);
  assert.deepEqual([has(narrow.graph, "2,1,32"), has(narrow.graph, "2,5,32")], [true, false]);
  assert.deepEqual([has(whole.graph, "2,1,32"), has(whole.graph, "2,5,32")], [false, true]);

  const given = whole.graph.inputs.map(
    (value) => [nameOf(value), encoderTensor(value).data] as const,
  );
  const [made, expected] = [narrow, whole].map((one) =>
    interpret(one.graph, Object.fromEntries(given)),
  );
  const names = [...narrow.graph.outputs.keys()];
  assert.deepEqual(
    names.sort(),
    [...whole.graph.outputs.keys()].filter((name) => name !== "hidden").sort(),
  );
  for (const name of names) assertClose(made![name]!, expected![name]!, 1e-12, name);
});
