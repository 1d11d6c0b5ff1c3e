import { StageFailure } from "../../engine/diagnostic.ts";
import { headParameters, withFrozenEncoder } from "../../models/frozen-encoder.ts";
import type { ModelWithWeights } from "../../models/pretrained.ts";
import { onFeatures } from "./features.ts";
import type { FineTuneContext } from "./fine-tune-model.ts";
import type { TrainingRows } from "./training-rows.ts";

/** What training starts from and reads, and how its result becomes a whole model. */
export interface TrainedPart {
  readonly start: ModelWithWeights;
  readonly rows: TrainingRows;
  whole(trained: ModelWithWeights): ModelWithWeights;
}

/** What training sees of the model: all of it, its head behind a frozen encoder, or its head alone. */
export async function trainedPart(
  { params, inputs, log }: FineTuneContext,
  classifier: ModelWithWeights,
  rows: TrainingRows,
): Promise<TrainedPart> {
  if (params.train === "all") return { start: classifier, rows, whole: (trained) => trained };
  const head = headParameters(classifier.model);
  if (head.length === 0) throw noHead(classifier);
  log(`trains the head alone: ${head.map(({ name }) => name).join(", ")}`);
  if (inputs.features) return onFeatures(classifier, rows, await inputs.features.read());
  const start = { ...classifier, model: withFrozenEncoder(classifier.model) };
  return { start, rows, whole: ({ parameters }) => ({ ...classifier, parameters }) };
}

function noHead({ model }: ModelWithWeights): StageFailure {
  return new StageFailure({
    code: "no-head",
    message: `${model.className} has no head of its own that could be trained alone.`,
    hint: "leave train: head out",
  });
}
