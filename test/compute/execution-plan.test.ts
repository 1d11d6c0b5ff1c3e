import assert from "node:assert/strict";
import { test } from "node:test";
import { executionPlan } from "../../compute/execution-plan.ts";
import { graphOf, input } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";

test("a tensor lives until its last reader; inputs too, constants and outputs longer", () => {
  const x = input("x", [4]);
  const [a, b, c] = ops.split(ops.mul(x, 2), [1, 1, 2], 0); // a is read by nobody
  const y = ops.add(b!, ops.exp(b!));
  const plan = executionPlan(graphOf({ y, c: c!, z: ops.neg(y) }));
  assert.notEqual(a, undefined);
  const shown = plan.nodes.map(({ node, ...rest }) => ({ op: node.op, ...rest }));
  const [x_, two, product, part, power, y_, c_, z_] = [0, 1, 2, 3, 4, 5, 6, 7];
  assert.deepEqual(Object.fromEntries(plan.outputs), { y: y_, c: c_, z: z_ });
  assert.deepEqual([...plan.inputs.values()], [x_]);
  assert.deepEqual([...plan.constants.values()], [two]);
  assert.deepEqual(shown, [
    { op: "Mul", reads: [x_, two], makes: [product], frees: [x_] },
    { op: "Split", reads: [product], makes: [undefined, part, c_], frees: [product] },
    { op: "Exp", reads: [part], makes: [power], frees: [] },
    { op: "Add", reads: [part, power], makes: [y_], frees: [part, power] },
    { op: "Neg", reads: [y_], makes: [z_], frees: [] },
  ]);
});
