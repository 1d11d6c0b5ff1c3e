import type { ModelWithWeights } from "../../models/pretrained.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { endTokens } from "../end-tokens.ts";
import { BatchEncoder } from "../tokenize/batch-encoder.ts";

/** generation_config.json of a model that writes: where it begins and ends, as transformers' generate() reads it. */
export function formatGenerationConfig(
  { model, config }: ModelWithWeights,
  tokenizer: TokenizerFiles,
): string {
  const { facts } = new BatchEncoder(tokenizer, { maxLength: 1 });
  const ends = endTokens(config, facts);
  const { decoderStartTokenId } = model;
  const written = {
    ...(config.bos_token_id !== undefined && { bos_token_id: config.bos_token_id }),
    ...(decoderStartTokenId !== undefined && { decoder_start_token_id: decoderStartTokenId }),
    ...(ends.length > 0 && { eos_token_id: ends.length === 1 ? ends[0] : ends }),
    pad_token_id: model.padTokenId,
    transformers_version: "5.0.0",
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}
