import * as ops from "../compute/ops.ts";
import { noDropout, parameterValue } from "./layers.ts";
import type { Model } from "./model.ts";
import type { ParameterSpec } from "./parameters.ts";

/** The parameter that holds the known hidden states of headOnFeatures. */
export const FEATURES = "features";

/** The parameters of a model's head: what lies between its last hidden state and its logits, and is not tied. */
export function headParameters({ parameters }: Model): readonly ParameterSpec[] {
  return parameters.filter(({ optional }) => optional);
}

/**
 * The model with all frozen but its head. The encoder drops nothing out, as in evaluation: so its last hidden state
 * is the same at each step, and may as well be known before.
 */
export function withFrozenEncoder(model: Model): Model {
  return {
    ...model,
    parameters: model.parameters.map((spec) => (spec.optional ? spec : { ...spec, frozen: true })),
    compute(params, batch, dropoutMasks) {
      const { lastHiddenState } = model.compute(params, batch, noDropout); // (B, T, C)
      return model.compute(params, { ...batch, lastHiddenState }, dropoutMasks);
    },
  };
}

/**
 * The head of a model whose logits read one token of each row: its parameters, and the hidden states of that token of
 * `rows` rows as the frozen parameter `features` [rows, C]. A batch's `input_ids` [B, 1] are numbers of rows.
 */
export function headOnFeatures(model: Model, rows: number): Model {
  const features = { name: FEATURES, shape: [rows, model.hiddenSize], initial: "zeros" } as const;
  return {
    ...model,
    vocabSize: rows,
    maxLength: 1,
    padTokenId: 0,
    inputs: ["input_ids", "attention_mask"],
    parameters: [{ ...features, decays: false, frozen: true }, ...headParameters(model)],
    compute(params, batch, dropoutMasks) {
      const table = parameterValue(params, FEATURES); // (rows, C)
      const lastHiddenState = ops.gather(table, batch.inputIds); // (B, 1, C)
      return model.compute(params, { ...batch, lastHiddenState }, dropoutMasks);
    },
  };
}
