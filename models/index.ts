import { bert } from "./bert.ts";
import type { ConfigJson } from "./config-json.ts";
import type { Architecture } from "./model.ts";
import { ModelError } from "./model-error.ts";

/** Every family of models that can be trained. */
export const architectures: readonly Architecture[] = [bert];

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
