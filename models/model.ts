import type { Value } from "../compute/graph.ts";
import type { ConfigJson } from "./config-json.ts";
import type { DropoutMasks, ParameterValues } from "./layers.ts";
import type { ParameterSpec } from "./parameters.ts";

/** A padded batch of token ids as graph inputs: each int64 [B, T]. */
export interface TokenBatch {
  readonly inputIds: Value;
  /** 1 for tokens, 0 for padding. */
  readonly attentionMask: Value;
  readonly tokenTypeIds: Value;
}

/** What a sequence classifier computes. */
export interface ClassifierOutput {
  readonly lastHiddenState: Value; // [B, T, C]
  readonly logits: Value; // [B, labels]
}

/** A model of one architecture and size, as pure functions; it holds no weights. */
export interface SequenceClassifier {
  /** The class in transformers: `BertForSequenceClassification`. */
  readonly className: string;
  readonly vocabSize: number;
  /** The longest row in tokens. */
  readonly maxLength: number;
  readonly padTokenId: number;
  readonly parameters: readonly ParameterSpec[];
  /** Logits of a batch, with parameters and dropout as graph values. */
  classify(
    params: ParameterValues,
    batch: TokenBatch,
    dropoutMasks: DropoutMasks,
  ): ClassifierOutput;
}

/** A family of models. A new one is one file and one line in index.ts. */
export interface Architecture {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** A classifier of the configuration's sizes; a ModelError names a field that cannot be followed. */
  sequenceClassifier(config: ConfigJson, numLabels: number): SequenceClassifier;
  /** The name here of a tensor in a checkpoint of any age; undefined where classifiers do not read it. */
  parameterName(checkpointName: string): string | undefined;
}
