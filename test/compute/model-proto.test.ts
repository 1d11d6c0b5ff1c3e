import assert from "node:assert/strict";
import { test } from "node:test";
import onnxProto from "onnx-proto";
import { constant, graphOf, input } from "../../compute/graph.ts";
import { mixedPrecision } from "../../compute/mixed-precision.ts";
import { exportOnnx } from "../../compute/onnx/export-onnx.ts";
import { ProtobufWriter } from "../../compute/onnx/protobuf-writer.ts";
import * as ops from "../../compute/ops.ts";

test("varints, texts, floats and inner messages are as the encoding guide shows them", () => {
  const writer = new ProtobufWriter()
    .integer(1, 150)
    .integer(1, -2)
    .integer(1, 2n ** 40n)
    .text(2, "testing")
    .float(4, 1.5)
    .message(3, (inner) => inner.integer(1, 150));
  assert.equal(
    Buffer.from(writer.finish()).toString("hex"),
    "089601" +
      "08feffffffffffffffff01" +
      "08808080808020" +
      "120774657374696e67" +
      "250000c03f" +
      "1a03089601",
  );
});

test("onnx-proto reads the whole file as it was meant", () => {
  const x = input("x", [2, 3]);
  const y = ops.gelu(ops.add(ops.softmax(x), constant([1, 2, 3])), "tanh");
  const n = ops.layerNorm(y, input("s", [3]), input("b", [3]), 0.5);
  const bytes = exportOnnx(graphOf({ y, n }), {
    name: "sample",
    parameters: { s: { dtype: "float32", shape: [3], data: Float32Array.of(4, 5, 6) } },
  });
  const { ModelProto } = onnxProto.onnx;
  const model = ModelProto.decode(bytes);
  assert.equal(ModelProto.verify(model), null);
  const floats = (...values: number[]) =>
    Buffer.from(Float32Array.from(values).buffer).toString("base64");
  const node = (opType: string, [input, output]: string[][], attribute: object[] = []) => ({
    input,
    output,
    name: `${opType} ${output![0]}`,
    opType,
    ...(attribute.length > 0 && { attribute }),
  });
  const value = (name: string, ...sizes: number[]) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: sizes.map((dimValue) => ({ dimValue })) } } },
  });
  const stored = (name: string, rawData: string) => ({ dims: [3], dataType: 1, name, rawData });
  const axis = { name: "axis", i: -1, type: 2 };
  assert.deepEqual(
    JSON.parse(JSON.stringify(ModelProto.toObject(model, { longs: Number, bytes: String }))),
    {
      irVersion: 9,
      producerName: "tunesmith",
      opsetImport: [{ domain: "", version: 20 }],
      graph: {
        name: "sample",
        node: [
          node("Softmax", [["x"], ["%1"]], [axis]),
          node("Add", [["%1", "%2"], ["%3"]]),
          node("Gelu", [["%3"], ["y"]], [{ name: "approximate", s: btoa("tanh"), type: 3 }]),
          node(
            "LayerNormalization",
            [["y", "s", "b"], ["n"]],
            [axis, { name: "epsilon", f: 0.5, type: 1 }],
          ),
        ],
        initializer: [stored("%2", floats(1, 2, 3)), stored("s", floats(4, 5, 6))],
        input: [value("x", 2, 3), value("b", 3)],
        output: [value("y", 2, 3), value("n", 2, 3)],
      },
    },
  );
});

test("a file computes no more rows than are read", () => {
  const first = ops.slice(ops.tanh(input("x", [5, 3])), { axes: [0], starts: [0], ends: [1] });
  const { graph } = onnxProto.onnx.ModelProto.decode(exportOnnx(graphOf({ first })));
  assert.deepEqual(
    graph?.node?.map(({ opType }) => opType),
    ["Slice", "Tanh"],
  );
});

test("casts name the types of 16 bits by ONNX's numbers, inputs and outputs stay float32", () => {
  const { ModelProto, TensorProto } = onnxProto.onnx;
  const { FLOAT, FLOAT16, BFLOAT16 } = TensorProto.DataType;
  for (const [type, number] of [
    ["float16", FLOAT16],
    ["bfloat16", BFLOAT16],
  ] as const) {
    const [x, w] = [input("x", [2, 3]), input("w", [3, 4])];
    const graph = mixedPrecision(graphOf({ y: ops.matMul(x, w) }), type);
    const { node, input: inputs, output } = ModelProto.decode(exportOnnx(graph)).graph!;
    assert.deepEqual(
      node!.map(({ opType, attribute }) => [opType, ...attribute!.map(({ i }) => Number(i))]),
      [["Cast", number], ["Cast", number], ["MatMul"], ["Cast", FLOAT]],
    );
    for (const value of [...inputs!, ...output!])
      assert.equal(value.type!.tensorType!.elemType, FLOAT);
  }
});
