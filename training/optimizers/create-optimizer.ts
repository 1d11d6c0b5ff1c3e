import type { ParameterSpec } from "../../models/parameters.ts";
import type { TrainingArguments } from "../training-arguments.ts";
import { adafactor } from "./adafactor.ts";
import { adafactorGraph } from "./adafactor-graph.ts";
import { AdamW } from "./adamw.ts";
import { adamwGraph } from "./adamw-graph.ts";
import type { GraphRule } from "./graph-rule.ts";
import { layerRates } from "./layer-rates.ts";
import { lion } from "./lion.ts";
import { lionGraph } from "./lion-graph.ts";
import type { Optimizer } from "./optimizer.ts";
import { RuleOptimizer } from "./rule-optimizer.ts";
import { sgd } from "./sgd.ts";
import { sgdGraph } from "./sgd-graph.ts";

/** The optimizer that `optim` names, of all parameters that are not frozen. */
export function createOptimizer(
  all: readonly ParameterSpec[],
  given: TrainingArguments,
): Optimizer {
  const specs = all.filter(({ frozen }) => !frozen);
  const { optim, weight_decay } = given;
  const rateScale = layerRates(specs, given.layerwise_lr_decay);
  if (optim === "adamw_torch") return new AdamW(specs, given, rateScale);
  const rules = { sgd: sgd(given.optim_args ?? {}), lion_32bit: lion(given), adafactor };
  return new RuleOptimizer(specs, rules[optim], { weight_decay, rateScale });
}

/** The same optimizer for a device that changes the parameters itself. */
export function createGraphRule(given: TrainingArguments): GraphRule {
  const rules = {
    adamw_torch: adamwGraph(given),
    sgd: sgdGraph(given.optim_args ?? {}),
    lion_32bit: lionGraph(given),
    adafactor: adafactorGraph,
  };
  return rules[given.optim];
}
