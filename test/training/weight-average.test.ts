import assert from "node:assert/strict";
import { test } from "node:test";
import { parameter } from "../../models/parameters.ts";
import { WeightAverage } from "../../training/weight-average.ts";
import golden from "../golden/averages.json" with { type: "json" };

for (const { decay, steps } of golden)
  test(`a moving average with decay ${decay} equals torch.optim.swa_utils`, () => {
    const average = new WeightAverage(decay);
    for (const { weight, average: expected } of steps) {
      average.add(new Map([["w", parameter([2, 3], Float32Array.from(weight))]]));
      for (const [i, value] of expected.entries())
        assert.ok(Math.abs(average.parameters!.get("w")!.data[i]! - value) < 1e-6);
    }
  });
