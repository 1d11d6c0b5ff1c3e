import { hashAt, streamKey } from "../models/counter-hash.ts";
import { searchBeams } from "./beam-search.ts";
import { type ChoiceOptions, drawToken, likeliest, penalizeRepetition } from "./choose-token.ts";
import { type Decoder, type DecoderOptions, LanguageModelDecoder } from "./decoder.ts";
import { TargetDecoder } from "./target-decoder.ts";
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

/** A decoder for the model's task. */
export function openDecoder(options: DecoderOptions): Decoder {
  return options.model.task === "sequence-to-sequence"
    ? new TargetDecoder(options)
    : new LanguageModelDecoder(options);
}

/**
 * The tokens that a model writes after a prompt, or for a source, the end token included where it comes. Ends too
 * where the model can hold no more. A TrainingError for a prompt that is empty or too long.
 */
export async function generate(
  decoder: Decoder,
  prompt: readonly number[],
  given: Partial<GenerationOptions> = {},
): Promise<readonly number[]> {
  const options = { ...defaultGeneration, ...given };
  const room = decoder.roomAfter(prompt);
  if (options.num_beams > 1 && options.do_sample)
    throw new TrainingError(
      "argument-invalid",
      "Beams are not drawn: leave out do_sample or num_beams.",
    );
  const most = Math.min(options.max_new_tokens, room);
  return options.num_beams > 1
    ? searchBeams(decoder, prompt, { ...options, most })
    : goOn(decoder, prompt, { ...options, most });
}

async function goOn(
  decoder: Decoder,
  prompt: readonly number[],
  options: GenerationOptions & { readonly most: number },
): Promise<readonly number[]> {
  const { most, do_sample, repetition_penalty, eos_token_ids, seed, isOver, signal } = options;
  const key = streamKey(seed, "generate");
  const before = decoder.before(prompt);
  const tokens: number[] = [];
  let logits = await decoder.start(prompt);
  for (;;) {
    signal?.throwIfAborted();
    penalizeRepetition(logits, [...before, ...tokens], repetition_penalty);
    const token = do_sample
      ? drawToken(logits, options, hashAt(key, tokens.length) / 2 ** 32)
      : likeliest(logits);
    tokens.push(token);
    const ends = eos_token_ids.includes(token) || isOver?.(tokens) === true;
    if (ends || tokens.length >= most) return tokens;
    logits = await decoder.advance([token], [0]);
  }
}
