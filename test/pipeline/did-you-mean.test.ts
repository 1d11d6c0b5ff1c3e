import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearestName } from "../../engine/pipeline/did-you-mean.ts";

const params = [
  "learning_rate",
  "num_train_epochs",
  "weight_decay",
  "max_steps",
  "min_characters",
  "lr_scheduler_type",
];

test("mistyped, differently written and shortened names are found", () => {
  const meant = {
    learnig_rate: "learning_rate",
    learningRate: "learning_rate",
    "learning-rate": "learning_rate",
    LEARNING_RATE: "learning_rate",
    lr: "learning_rate",
    epochs: "num_train_epochs",
    wd: "weight_decay",
    maxsteps: "max_steps",
    max_setps: "max_steps",
    min_chars: "min_characters",
    lr_scheduler: "lr_scheduler_type",
  };
  for (const [written, name] of Object.entries(meant))
    assert.equal(nearestName(written, params), name, written);
  assert.equal(nearestName("laod", ["load", "clean"]), "load");
});

test("nothing is suggested for names that are like none", () => {
  for (const name of ["dropout", "x", "", "深度", "a".repeat(100)])
    assert.equal(nearestName(name, params), undefined, name);
});

test("the hint is the suggestion, else what was given instead", () => {
  assert.equal(didYouMean("tran", ["train"]), 'did you mean "train"?');
  assert.equal(didYouMean("xyz", ["train"], "known: train"), "known: train");
});
