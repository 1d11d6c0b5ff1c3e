import type { ConfigJson } from "../models/config-json.ts";
import type { EncoderFacts } from "./tokenize/encoder.ts";

/** The tokens that end what a model writes: its config's, else the tokenizer's end token, else what closes its texts. */
export function endTokens(config: ConfigJson, facts: EncoderFacts): readonly number[] {
  return [config.eos_token_id ?? endTokenOf(facts) ?? []].flat() as number[];
}

/** The tokenizer's end token, else the last of those that it puts after a text. */
export function endTokenOf({ endId, template }: EncoderFacts): number | undefined {
  return endId ?? template.after.at(-1);
}
