import assert from "node:assert/strict";
import { test } from "node:test";
import { numberOf } from "../../compute/devices/cuda.ts";

test("CUDA counts the devices that it sees", () => {
  assert.deepEqual(
    [
      numberOf(undefined, "2,5"),
      numberOf("5", "2, 5"),
      numberOf("GPU-7", "GPU-3,GPU-7"),
      numberOf("1", undefined),
    ],
    [0, 1, 1, 1],
  );
});
