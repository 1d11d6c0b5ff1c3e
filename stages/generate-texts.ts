import type { Device } from "../compute/device.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import { type GenerationOptions, generate, openDecoder } from "../training/generate.ts";
import { TrainingError } from "../training/training-error.ts";
import { openSavedModel } from "./open-saved-model.ts";

/** How texts go on. */
export interface TextGenerationOptions
  extends Partial<Omit<GenerationOptions, "eos_token_ids" | "isOver">> {
  /** A text ends before the first of these. Not heard by beams. */
  readonly stop?: readonly string[];
}

/** A saved language model, ready for texts. */
export interface TextGenerator {
  /** What comes after the prompt, which is not part of it. */
  goOn(prompt: string, options: TextGenerationOptions): Promise<string>;
}

/** Opens a Hugging Face folder that holds a language model and its tokenizer; a StageFailure says what does not fit. */
export async function openTextGenerator(folder: string, device: Device): Promise<TextGenerator> {
  const saved = await openSavedModel(folder, { task: "causal-lm", device });
  const { encoder, model, parameters, config } = saved;
  const decoder = openDecoder({ model, parameters, device });
  const eos_token_ids = [config.eos_token_id ?? encoder.facts.endId ?? []].flat() as number[];
  const textOf = (prompt: readonly number[], tokens: readonly number[]) =>
    encoder.decode([...prompt, ...tokens]).slice(encoder.decode(prompt).length);
  return {
    async goOn(text, { stop = [], ...options }) {
      const ids = [...encoder.encode([text]).ids];
      const prompt = ids.slice(0, ids.length - encoder.facts.template.after.length);
      const isOver = (tokens: readonly number[]) =>
        endOf(textOf(prompt, tokens), stop) !== undefined;
      try {
        const given = { ...options, eos_token_ids, ...(stop.length > 0 && { isOver }) };
        const found = textOf(prompt, await generate(decoder, prompt, given));
        return found.slice(0, endOf(found, stop));
      } catch (error) {
        if (!(error instanceof TrainingError)) throw error;
        const { code, message, hint } = error;
        throw new StageFailure({ code, message, ...(hint && { hint }) });
      }
    },
  };
}

/** Where the first stop string begins. */
function endOf(text: string, stop: readonly string[]): number | undefined {
  const places = stop.map((one) => text.indexOf(one)).filter((at) => at >= 0);
  return places.length > 0 ? Math.min(...places) : undefined;
}
