import type { TensorData } from "../../compute/device.ts";
import { input, nameOf, newArray, sizeOf, type Value } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { generator } from "./case-data.ts";

/** Sizes of an encoder layer with a classifier on its first token. */
export interface EncoderSizes {
  readonly batch: number;
  readonly length: number;
  readonly width: number;
  readonly heads: number;
}

/** What training such a model needs: the loss and logits, the parameters, and a tensor for each input. */
export function smallEncoder({ batch: B, length: T, width: C, heads: h }: EncoderSizes) {
  const parameters: Value[] = [];
  const parameter = (name: string, ...shape: number[]) => {
    const value = input(name, shape);
    parameters.push(value);
    return value;
  };
  const dense = (name: string, x: Value, width: number) =>
    ops.linear(
      x,
      parameter(`${name}.weight`, width, x.shape.at(-1)!),
      parameter(`${name}.bias`, width),
    );
  const norm = (name: string, x: Value) =>
    ops.layerNorm(x, parameter(`${name}.weight`, C), parameter(`${name}.bias`, C), 1e-5);
  const mask = (name: string, ...shape: number[]) => input(`mask.${name}`, shape, "uint8");

  const embedded = ops.gather(parameter("words", 50, C), input("ids", [B, T], "int64")); // (B, T, C)
  const x = norm("norm.0", embedded);
  const heads = (name: string) =>
    ops.transpose(ops.reshape(dense(name, x, C), [B, T, h, C / h]), [0, 2, 1, 3]); // (B, h, T, C / h)
  const mixed = ops.attention(heads("q"), heads("k"), heads("v"), {
    scale: 1 / Math.sqrt(C / h),
    mask: input("shown", [B, 1, 1, T]),
    dropoutMask: mask("attention", B, h, T, T),
    p: 0.1,
  });
  const merged = dense("o", ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [B, T, C]), C);
  const y = norm("norm.1", ops.add(x, ops.dropout(merged, mask("o", B, T, C), 0.1))); // (B, T, C)
  const wide = ops.gelu(dense("wide", y, 4 * C), "erf");
  const z = norm("norm.2", ops.add(y, dense("narrow", wide, C))); // (B, T, C)
  const first = ops.reshape(ops.slice(z, { axes: [1], starts: [0], ends: [1] }), [B, C]);
  const logits = dense("classifier", first, 3); // (B, 3)
  const loss = ops.softmaxCrossEntropy(logits, input("labels", [B], "int64"));
  return { loss, logits, hidden: z, parameters };
}

/** A tensor for an input of the encoder, by its name and type. */
export function encoderTensor(value: Value, seed = 5): TensorData {
  const random = generator(seed + nameOf(value).length + sizeOf(value.shape));
  const data = newArray(value.dtype, sizeOf(value.shape));
  for (let i = 0; i < data.length; i++)
    data[i] = (
      value.dtype === "int64"
        ? BigInt(Math.floor(random() * 3))
        : value.dtype === "uint8"
          ? Number(random() > 0.1)
          : random() - 0.5
    ) as never;
  return { dtype: value.dtype, shape: value.shape, data };
}
