import type { ArtifactReader } from "../engine/artifact.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import type { Tokens } from "./artifacts/tokens.ts";

/**
 * A StageFailure where tokens were made by another tokenizer than the one that a model carries: the same ids would
 * mean other words.
 */
export async function requireSameTokenizer(model: ArtifactReader, tokens: Tokens): Promise<void> {
  const own = model.has("tokenizer.json") ? await model.read("tokenizer.json") : undefined;
  const used = tokens.tokenizer.get("tokenizer.json");
  if (own !== undefined && used !== undefined && Buffer.compare(own, used) === 0) return;
  throw new StageFailure({
    code: "other-tokenizer",
    message: "The dataset was tokenized with another tokenizer than the model was trained with.",
    hint: "give both stages the output of one tokenize stage, or tokenize with the model's own tokenizer.json",
  });
}
