import type { Value } from "../compute/graph.ts";
import type { ConfigJson } from "./config-json.ts";
import type { DropoutMasks, ParameterValues } from "./layers.ts";
import type { ParameterSpec } from "./parameters.ts";

/**
 * What models are trained for, by the names of pipeline files, and what their logits are:
 * sequence-classification [B, labels]; token-classification [B, T, labels]; question-answering
 * [B, T, 2], the start and the end of the answer; masked-lm and causal-lm [B, T, V];
 * sequence-to-sequence [B, U, V], U tokens of the target. feature-extraction has no head: its
 * logits are the last hidden state.
 */
export const tasks = [
  "sequence-classification",
  "token-classification",
  "question-answering",
  "masked-lm",
  "causal-lm",
  "sequence-to-sequence",
  "feature-extraction",
] as const;
export type Task = (typeof tasks)[number];

/**
 * What a sequence classifier tells, by transformers' names (`problem_type`): one label of several; any of several, each
 * by itself; or numbers, one for each logit.
 */
export const problemTypes = [
  "single_label_classification",
  "multi_label_classification",
  "regression",
] as const;
export type ProblemType = (typeof problemTypes)[number];

/** Keys and values of one attention layer: each float32 [B, h, S, d]. */
export interface KeyValue {
  readonly key: Value;
  readonly value: Value;
}

/** What a decoder computed from the tokens before those of a batch. Slot i of S holds the token at position i. */
export interface Past {
  /** 1 where a slot is filled: int [B, S]. */
  readonly mask: Value;
  /** Of each layer. */
  readonly layers: readonly KeyValue[];
}

/** Tokens as graph inputs, each int [B, T]; rows are padded at their ends. */
export interface TokenBatch {
  readonly inputIds: Value;
  /** 1 for tokens, 0 for padding. */
  readonly attentionMask: Value;
  /** Read by families whose `inputs` name them. */
  readonly tokenTypeIds?: Value;
  /** The place of each token in its text; absent: counted from the start of the row. Decoders only. */
  readonly positionIds?: Value;
  /** Which text of its row a token belongs to: it sees no others. Absent: all one. Decoders only. */
  readonly textIds?: Value;
  /** What came before these tokens, which then need `positionIds`. Decoders only. */
  readonly past?: Past;
  /** The target of a sequence-to-sequence model. */
  readonly decoder?: DecoderBatch;
  /**
   * Where logits are wanted: int [N], row · T + column, none twice; the logits are then [N, V].
   * Absent: everywhere. Language models only.
   */
  readonly logitsAt?: Value;
  /** The last hidden state [B, T, C] where it is known: then only the head is computed. */
  readonly lastHiddenState?: Value;
}

/** The target's tokens, each int [B, U]. */
export interface DecoderBatch {
  readonly inputIds: Value;
  /** With `past`: the place of each token. */
  readonly positionIds?: Value;
  readonly past?: Past;
  /** The encoder's last hidden state [B, T, C] where it is known; else it is computed from the batch. */
  readonly encoded?: Value;
  /** The encoder's keys and values in each layer where they are known: then nothing else of it is read. */
  readonly cross?: readonly KeyValue[];
}

/** What a model computes. A graph holds only what its outputs need, so nothing here costs by itself. */
export interface ModelOutput {
  readonly lastHiddenState: Value; // [B, T, C]; of the decoder [B, U, C]
  /** See `tasks`. */
  readonly logits: Value;
  /** Keys and values of this batch's tokens (of the target's) in each layer of a decoder: [B, h, T, d]. */
  readonly keyValues: readonly KeyValue[];
  /** What each layer reads, in order: from it a training may compute the layer again instead of keeping it. */
  readonly layerInputs: readonly Value[];
  /** Of a sequence-to-sequence model: the encoder's last hidden state [B, T, C]. */
  readonly encoded?: Value;
  /** And its keys and values as each layer of the decoder sees them: [B, h, T, d]. */
  readonly crossKeyValues?: readonly KeyValue[];
}

/** The name of a graph input, as in ONNX files that transformers.js opens. */
export type InputName = "input_ids" | "attention_mask" | "token_type_ids" | "decoder_input_ids";

/** A model of one architecture, size and task, as pure functions; it holds no weights. */
export interface Model {
  readonly task: Task;
  /** Of a sequence classifier; absent: one label of several. */
  readonly problemType?: ProblemType;
  /** The class in transformers: `BertForSequenceClassification`. */
  readonly className: string;
  readonly vocabSize: number;
  /** The width of the last hidden state. */
  readonly hiddenSize: number;
  /** The longest row in tokens. */
  readonly maxLength: number;
  readonly padTokenId: number;
  /** The token before the first of a target, of a sequence-to-sequence model. */
  readonly decoderStartTokenId?: number;
  /** Which token of a row the head of a sequence classifier reads: the first, or the last that is no padding. */
  readonly headReads?: "cls" | "lasttoken";
  /** Of a decoder: its attention layers, and the heads and width of their keys and values. */
  readonly keyValueSizes?: {
    readonly layers: number;
    readonly heads: number;
    readonly width: number;
  };
  /** What a batch must hold; the rest of TokenBatch may be given where its doc allows. */
  readonly inputs: readonly InputName[];
  readonly parameters: readonly ParameterSpec[];
  /** With parameters and dropout as graph values. */
  compute(params: ParameterValues, batch: TokenBatch, dropoutMasks: DropoutMasks): ModelOutput;
  /** The name here of a tensor in a checkpoint of any age; undefined for what is no weight of any model. */
  parameterName(checkpointName: string): string | undefined;
  /** Fields that config.json needs beside those that were read, for transformers to compute the same. */
  readonly writtenConfig?: ConfigJson;
}

/** What a model is asked to be. */
export interface ModelRequest {
  readonly task: Task;
  /** Logits of a classifier; of no meaning for other tasks. */
  readonly numLabels: number;
  /** Of a sequence classifier; absent: one label of several. */
  readonly problemType?: ProblemType;
}

/** A family of models. A new one is one file and one line in index.ts. */
export interface Architecture {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** The class in transformers for each task that the family has. */
  readonly classNames: Readonly<Partial<Record<Task, string>>>;
  /** Prefixes of the parameters of heads: a checkpoint may hold heads of other tasks. */
  readonly heads: readonly string[];
  /** A model of the configuration's sizes; a ModelError names a field that cannot be followed. */
  model(config: ConfigJson, request: ModelRequest): Model;
}
