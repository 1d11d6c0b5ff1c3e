import type { FromSchema } from "json-schema-to-ts";
import {
  defineStage,
  type ParamsProblem,
  type ParamsSchema,
  type StageContext,
} from "../../engine/stage.ts";
import { dataset } from "../artifacts/dataset.ts";
import { report } from "../artifacts/report.ts";
import { tokenizer } from "../artifacts/tokenizer.ts";

const params = {
  type: "object",
  properties: {
    algorithm: {
      description:
        "How words are parted. wordpiece: as BERT's, with its special tokens. bpe: byte-level, as GPT-2's: every text is kept as it is; with </s>, which ends texts, and <pad>, for models that write. Without it wordpiece.",
      type: "string",
      enum: ["wordpiece", "bpe"],
      examples: ["bpe"],
    },
    vocab_size: {
      description: "The most tokens the vocabulary may have, special tokens included.",
      type: "integer",
      minimum: 6,
      maximum: 1_000_000,
      default: 8000,
      examples: [8000, 30522],
    },
    min_frequency: {
      description: "A pair of tokens becomes a token only where it occurs this often.",
      type: "integer",
      minimum: 1,
      default: 2,
      examples: [2],
    },
    lowercase: {
      description: "Whether text is lowercased first; of wordpiece.",
      type: "boolean",
      default: true,
      examples: [true],
    },
    strip_accents: {
      description: "Whether accents are taken off first; null: as `lowercase` says; of wordpiece.",
      type: ["boolean", "null"],
      default: null,
      examples: [false],
    },
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the train-tokenizer stage, defaults filled in. */
export type TrainTokenizerParams = FromSchema<typeof params>;

const inputs = {
  dataset: {
    type: dataset,
    description: "The texts to learn from: the split `train`, or the one that the reference names.",
    parts: ["train"],
  },
} as const;

const NO_TRAIN: ParamsProblem = {
  at: [],
  code: "no-train-split",
  message: "The dataset has no split train to learn from.",
  hint: "name the split: in: STAGE.SPLIT",
};

/** The bytes, and two special tokens. */
const LEAST_BYTE_LEVEL = 258;

const TOO_SMALL: ParamsProblem = {
  at: ["vocab_size"],
  code: "vocabulary-too-small",
  message: `algorithm bpe needs a vocab_size of at least ${LEAST_BYTE_LEVEL}: 256 bytes and two special tokens.`,
  hint: "raise vocab_size",
};

/** Learns a vocabulary from the texts of a dataset: WordPiece with BERT's special tokens, or byte-level BPE. */
export const trainTokenizer = defineStage({
  kind: "train-tokenizer",
  version: 1,
  description: "Learns a vocabulary, WordPiece or byte-level BPE, from the texts of a dataset.",
  params,
  inputs,
  outputs: {
    tokenizer: { type: tokenizer, description: "tokenizer.json and the files beside it." },
    report: { type: report, description: "Size and coverage of the vocabulary, sample texts." },
  },
  seeded: false,
  deterministic: true,
  environment: [],
  check: ({ algorithm, vocab_size }: TrainTokenizerParams, { dataset }) => [
    ...(dataset?.length === 0 ? [NO_TRAIN] : []),
    ...(algorithm === "bpe" && vocab_size < LEAST_BYTE_LEVEL ? [TOO_SMALL] : []),
  ],
  async run(context: StageContext<TrainTokenizerParams, typeof inputs>) {
    const { trainTokenizerFiles } = await import("./train-tokenizer-files.ts");
    return trainTokenizerFiles(context);
  },
});
