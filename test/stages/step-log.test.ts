import assert from "node:assert/strict";
import { test } from "node:test";
import { stepLine, wholeSteps } from "../../stages/fine-tune/step-log.ts";

/** The steps of 10, 4 in an epoch, that have a line. */
function logged(given: object): number[] {
  const params = {
    logging_strategy: "steps",
    logging_steps: 3,
    logging_first_step: false,
  } as const;
  const steps = Array.from({ length: 10 }, (_, i) => i + 1);
  return steps.filter((step) => {
    const rates = { loss: 0.5, learningRate: 1e-4, tokensPerSecond: 99.5, secondsLeft: 1 };
    const progress = { step, maxSteps: 10, epoch: step / 4, ...rates };
    return stepLine(progress, { ...params, ...given }) !== undefined;
  });
}

test("the stage's log has lines as logging_strategy, logging_steps and logging_first_step say", () => {
  assert.deepEqual(logged({}), [3, 6, 9, 10]);
  assert.deepEqual(logged({ logging_first_step: true }), [1, 3, 6, 9, 10]);
  assert.deepEqual(logged({ logging_steps: 0.5 }), [5, 10]);
  assert.deepEqual(logged({ logging_strategy: "epoch" }), [4, 8, 10]);
  assert.deepEqual(logged({ logging_strategy: "no" }), []);
  assert.deepEqual(logged({ logging_strategy: "no", logging_first_step: true }), [1]);
});

test("a share of the steps is rounded up", () => {
  assert.deepEqual(
    [0.1, 0.25, 1, 7].map((steps) => wholeSteps(steps, 33)),
    [4, 9, 1, 7],
  );
});
