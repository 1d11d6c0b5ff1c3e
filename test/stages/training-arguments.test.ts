import assert from "node:assert/strict";
import { test } from "node:test";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { refusedArgumentProblems, refusedNames } from "../../stages/fine-tune/refused-arguments.ts";
import golden from "../golden/training-arguments.json" with { type: "json" };

const theirs = Object.entries<unknown>(golden.fields);
const refused = new Set<string>(refusedNames);
/** Params of the stage whose default differs from transformers', each for the reason in its description. */
const others = {
  eval_steps: 500, // there null, which means logging_steps
  greater_is_better: undefined,
  logging_steps: 50, // of the stage's log; trainer_state.json has entries of its own
  lr_scheduler_kwargs: undefined,
  metric_for_best_model: "loss",
  optim: "adamw_torch", // there adamw_torch_fused, the same numbers by another kernel
  optim_args: undefined,
  save_strategy: undefined, // now and then, at little cost
  eval_strategy: undefined, // each epoch, where there is a split for it
  save_total_limit: undefined,
  gradient_checkpointing: false, // there null, the same
};

test(`every argument of transformers ${golden.transformers} is supported, or refused by name with a reason`, () => {
  const properties = fineTune.params.properties as Readonly<Record<string, { default?: unknown }>>;
  assert.deepEqual(
    theirs.map(([name]) => name).filter((name) => !(name in properties)),
    [],
  );
  for (const [name, value] of theirs) {
    if (refused.has(name)) continue;
    const expected = name in others ? others[name as keyof typeof others] : value;
    assert.deepEqual(properties[name]!.default, expected, name);
  }
  assert.equal(theirs.filter(([name]) => !refused.has(name)).length, 32);
});

test("a refused argument at transformers' default asks for nothing", () => {
  const defaults = Object.fromEntries(theirs.filter(([name]) => name !== "seed"));
  assert.deepEqual(refusedArgumentProblems(defaults), []);
});

test("one that asks for something is told with what to do instead", () => {
  const asked = {
    use_cpu: true,
    evaluation_strategy: "epoch",
    report_to: ["wandb"],
    label_names: [],
  };
  assert.deepEqual(
    refusedArgumentProblems(asked).map(({ message, hint }) => [message, hint]),
    [
      ['fine-tune does not support "evaluation_strategy: epoch".', "it is called eval_strategy"],
      [
        'fine-tune does not support "label_names: {…}".',
        "the stage `load` names the columns; leave it out",
      ],
      [
        'fine-tune does not support "report_to: {…}".',
        "trainer_state.json holds the log; for TensorBoard set `tensorboard: true` in the save stage",
      ],
      ['fine-tune does not support "use_cpu: true".', "run with --device cpu"],
    ],
  );
});
