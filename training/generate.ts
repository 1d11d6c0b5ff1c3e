import { hashAt, streamKey } from "../models/counter-hash.ts";
import { searchBeams } from "./beam-search.ts";
import { type ChoiceOptions, drawToken, likeliest, penalizeRepetition } from "./choose-token.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { TrainingError } from "./training-error.ts";

/** How a text goes on; names, meanings and defaults are those of transformers' GenerationConfig. */
export interface GenerationOptions extends ChoiceOptions {
  readonly max_new_tokens: number;
  /** Whether tokens are drawn; else the likeliest is taken. */
  readonly do_sample: boolean;
  /** More than 1: beam search. */
  readonly num_beams: number;
  /** 1 changes nothing; more makes tokens that were there before less likely. */
  readonly repetition_penalty: number;
  /** Of beams: above 0 long texts are liked, below 0 short ones. */
  readonly length_penalty: number;
  /** The tokens that end a text. */
  readonly eos_token_ids: readonly number[];
  /** Of what is drawn. */
  readonly seed: number;
  /** Asked after each token, of the new ones: ends the text, as where a stop string stands. Not heard by beams. */
  readonly isOver?: (tokens: readonly number[]) => boolean;
  readonly signal?: AbortSignal;
}

/** What holds where nothing is said. */
export const defaultGeneration: GenerationOptions = {
  max_new_tokens: 20,
  do_sample: false,
  num_beams: 1,
  temperature: 1,
  top_k: 50,
  top_p: 1,
  repetition_penalty: 1,
  length_penalty: 1,
  eos_token_ids: [],
  seed: 0,
};

/**
 * The tokens with which a language model goes on after a prompt, the end token included where it comes. Ends too
 * where the model can hold no more. A TrainingError for a prompt that is empty or too long.
 */
export async function generate(
  model: DecoderOptions,
  prompt: readonly number[],
  given: Partial<GenerationOptions> = {},
): Promise<readonly number[]> {
  const options = { ...defaultGeneration, ...given };
  const room = model.model.maxLength - prompt.length;
  if (prompt.length === 0) throw new TrainingError("prompt-empty", "The prompt has no tokens.");
  if (room < 1)
    throw new TrainingError(
      "prompt-too-long",
      `The prompt has ${prompt.length} tokens; the model holds ${model.model.maxLength}, and needs one to go on.`,
    );
  if (options.num_beams > 1 && options.do_sample)
    throw new TrainingError(
      "argument-invalid",
      "Beams are not drawn: leave out do_sample or num_beams.",
    );
  const most = Math.min(options.max_new_tokens, room);
  const decoder = new Decoder(model);
  try {
    return options.num_beams > 1
      ? await searchBeams(decoder, prompt, { ...options, most })
      : await goOn(decoder, prompt, { ...options, most });
  } finally {
    await decoder.release();
  }
}

async function goOn(
  decoder: Decoder,
  prompt: readonly number[],
  options: GenerationOptions & { readonly most: number },
): Promise<readonly number[]> {
  const { most, do_sample, repetition_penalty, eos_token_ids, seed, isOver, signal } = options;
  const key = streamKey(seed, "generate");
  const tokens: number[] = [];
  let logits = await decoder.start(prompt);
  for (;;) {
    signal?.throwIfAborted();
    penalizeRepetition(logits, [...prompt, ...tokens], repetition_penalty);
    const token = do_sample
      ? drawToken(logits, options, hashAt(key, tokens.length) / 2 ** 32)
      : likeliest(logits);
    tokens.push(token);
    const ends = eos_token_ids.includes(token) || isOver?.(tokens) === true;
    if (ends || tokens.length >= most) return tokens;
    logits = await decoder.advance([token], [0]);
  }
}
