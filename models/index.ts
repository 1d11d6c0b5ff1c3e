import { bert } from "./bert.ts";
import type { ConfigJson } from "./config-json.ts";
import { distilbert } from "./distilbert.ts";
import { gpt2 } from "./gpt2.ts";
import { llama, mistral, qwen2, qwen3 } from "./llama.ts";
import type { Architecture, Model, ModelRequest, Task } from "./model.ts";
import { ModelError } from "./model-error.ts";
import { roberta, xlmRoberta } from "./roberta.ts";
import { t5 } from "./t5.ts";

/** Every family of models that can be trained. */
export const architectures: readonly Architecture[] = [
  bert,
  roberta,
  xlmRoberta,
  distilbert,
  gpt2,
  llama,
  mistral,
  qwen2,
  qwen3,
  t5,
];

/** The architecture that config.json names; a ModelError when there is none of this type. */
export function architectureOf(config: ConfigJson): Architecture {
  const found = architectures.find(({ modelType }) => modelType === config.model_type);
  if (found !== undefined) return found;
  const known = architectures.map(({ modelType }) => modelType).join(", ");
  throw new ModelError(
    "model-type-unsupported",
    `config.json: "model_type" is ${JSON.stringify(config.model_type)}; supported: ${known}.`,
  );
}

/** The model that config.json and the request ask for; a ModelError where the family lacks the task. */
export function buildModel(
  config: ConfigJson,
  request: ModelRequest,
): { readonly architecture: Architecture; readonly model: Model } {
  const architecture = architectureOf(config);
  if (architecture.classNames[request.task] === undefined) {
    const known = Object.keys(architecture.classNames).join(", ");
    throw new ModelError(
      "task-unsupported",
      `A model of type "${architecture.modelType}" does not do ${request.task}; it does: ${known}.`,
      "Start from a model of another type, or train for another task.",
    );
  }
  const { problemType } = request;
  return {
    architecture,
    model: { ...architecture.model(config, request), ...(problemType && { problemType }) },
  };
}

/** The task of a trained model, from `architectures` in its config.json; a ModelError where it names none. */
export function taskOf(config: ConfigJson): Task {
  const { classNames, modelType } = architectureOf(config);
  const named = Array.isArray(config.architectures) ? config.architectures : [];
  const found = (Object.keys(classNames) as Task[]).find((task) =>
    named.includes(classNames[task]),
  );
  if (found !== undefined) return found;
  throw new ModelError(
    "task-unknown",
    `config.json: "architectures" is ${JSON.stringify(config.architectures)}; for "${modelType}" it is one of ${Object.values(classNames).join(", ")}.`,
    "Only a model that was trained for a task can be used for it.",
  );
}
