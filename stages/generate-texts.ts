import type { Device } from "../compute/device.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import { type GenerationOptions, generate, openDecoder } from "../training/generate.ts";
import { TrainingError } from "../training/training-error.ts";
import type { Message } from "./artifacts/dataset.ts";
import { endTokens } from "./end-tokens.ts";
import { openSavedModel } from "./open-saved-model.ts";
import { savedLearning } from "./saved-learning.ts";
import { ChatTemplate } from "./tokenize/chat-template.ts";
import { readTokenizer } from "./tokenize/read-tokenizer.ts";

/** How texts are written. */
export interface TextGenerationOptions
  extends Partial<Omit<GenerationOptions, "eos_token_ids" | "isOver">> {
  /** A text ends before the first of these. Not heard by beams. */
  readonly stop?: readonly string[];
}

/** A saved model that writes, ready for texts. */
export interface TextGenerator {
  /** Whether what it writes goes on with the prompt; else it is a text of its own, such as a translation. */
  readonly goesOn: boolean;
  /** What comes after the prompt, which is not part of it, or what it becomes. */
  write(prompt: string, options: TextGenerationOptions): Promise<string>;
  /** The assistant's answer to a conversation, which the folder's chat template writes out; a StageFailure without one. */
  answer(messages: readonly Message[], options: TextGenerationOptions): Promise<string>;
  /** Frees what it holds. */
  close(): Promise<void>;
}

/** Opens a Hugging Face folder that holds a model that writes, and its tokenizer; a StageFailure says what does not fit. */
export async function openTextGenerator(folder: string, device: Device): Promise<TextGenerator> {
  const isTranslator = (await savedLearning(folder)) === "sequence-to-sequence";
  const task = isTranslator ? "sequence-to-sequence" : "causal-lm";
  const { encoder, model, parameters, config } = await openSavedModel(folder, { task, device });
  const decoder = openDecoder({ model, parameters, device });
  const eos_token_ids = endTokens(config, encoder.facts);
  let template: ChatTemplate | undefined;
  const goOn = async (prompt: readonly number[], given: TextGenerationOptions) => {
    const { stop = [], ...options } = given;
    const textOf = (tokens: readonly number[]) =>
      encoder.decodeAfter(isTranslator ? [] : prompt, tokens);
    const isOver = (tokens: readonly number[]) => endOf(textOf(tokens), stop) !== undefined;
    const more = { ...options, eos_token_ids, ...(stop.length > 0 && { isOver }) };
    const found = textOf(await withStageFailures(() => generate(decoder, prompt, more)));
    return found.slice(0, endOf(found, stop));
  };
  return {
    goesOn: !isTranslator,
    async write(text, options) {
      const ids = [...encoder.encode([text]).ids];
      const { after } = encoder.facts.template;
      return goOn(isTranslator ? ids : ids.slice(0, ids.length - after.length), options);
    },
    async answer(messages, options) {
      template ??= new ChatTemplate(await readTokenizer(folder));
      const text = await template.prompt(messages, "the conversation");
      const { ids, fullLengths } = encoder.encodeMarked([{ text, parts: undefined }]);
      if (ids.length < fullLengths[0]!) throw conversationTooLong(fullLengths[0]!, ids.length);
      return goOn([...ids], options);
    },
    async close() {
      await template?.close();
      await decoder.release();
    },
  };
}

function conversationTooLong(length: number, most: number): StageFailure {
  return new StageFailure({
    code: "prompt-too-long",
    message: `The conversation has ${length} tokens; the model was made for ${most}.`,
    hint: "leave out its beginning",
  });
}

async function withStageFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TrainingError)) throw error;
    const { code, message, hint } = error;
    throw new StageFailure({ code, message, ...(hint && { hint }) });
  }
}

/** Where the first stop string begins. */
function endOf(text: string, stop: readonly string[]): number | undefined {
  const places = stop.map((one) => text.indexOf(one)).filter((at) => at >= 0);
  return places.length > 0 ? Math.min(...places) : undefined;
}
