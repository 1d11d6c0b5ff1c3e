import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toFloat32 } from "../../models/dtype.ts";
import { parseSafetensors } from "../../models/safetensors.ts";
import { type ReferenceCase, relativeError } from "./reference-case.ts";

async function tensorsOf(path: string): Promise<ReadonlyMap<string, Float32Array>> {
  const { tensors } = parseSafetensors(await readFile(path));
  return new Map([...tensors].map(([name, { dtype, bytes }]) => [name, toFloat32(dtype, bytes)]));
}

/** Fails where the saved folder `out` of a project holds another training, or other weights after it, than the case's. */
export async function assertTrained(folder: string, expected: ReferenceCase): Promise<void> {
  const state = JSON.parse(await readFile(join(folder, "out/trainer_state.json"), "utf8"));
  for (const [step, loss] of expected.losses.entries()) {
    const entry = state.log_history[step];
    assert.ok(Math.abs(entry.loss / loss - 1) < 1e-5, `loss of step ${step + 1}: ${entry.loss}`);
    const { learning_rate, grad_norm } = entry;
    assert.ok(Math.abs(learning_rate - expected.learningRates[step]!) < 1e-12);
    assert.ok(Math.abs(grad_norm / expected.gradNorms[step]! - 1) < 1e-4, `step ${step + 1}`);
  }

  const before = await tensorsOf(join(expected.model, "model.safetensors"));
  const after = await tensorsOf(join(folder, "out/model.safetensors"));
  assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort());
  const furthest = expected.learningRates.reduce((sum, rate) => sum + rate, 0);
  for (const [name, value] of after) {
    const start = before.get(name)!;
    const end = expected.golden.get(`after.${name}`)!;
    // A key bias has no gradient in exact arithmetic: what moves it is rounding that Adam enlarges.
    if (relativeError(start, end) === 0)
      assert.ok(
        value.every((x, i) => Math.abs(x - start[i]!) <= furthest),
        name,
      );
    else {
      const error = relativeError(value, end, start);
      assert.ok(error < expected.tolerance(`after.${name}`), `${name}: ${error}`);
    }
  }
}
