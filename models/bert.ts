import type { Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import {
  type BertConfig,
  type BertContext,
  encode,
  encoderSpecs,
  readBertConfig,
} from "./bert-encoder.ts";
import { requireUnset } from "./config-json.ts";
import {
  activate,
  applyEmbedding,
  applyLayerNorm,
  applyLinear,
  drop,
  layerNormSpecs,
  linearSpecs,
  parameterValue,
  rowsAt,
} from "./layers.ts";
import type { Architecture, Task, TokenBatch } from "./model.ts";
import { ofHead, type ParameterSpec } from "./parameters.ts";

const WORDS = "bert.embeddings.word_embeddings.weight";

/**
 * BERT: a bidirectional transformer encoder. https://arxiv.org/abs/1810.04805
 * Original source: https://github.com/google-research/bert/blob/master/modeling.py
 * Parameter names and defaults are those of transformers' BertForSequenceClassification and its like.
 */
export const bert: Architecture = {
  modelType: "bert",
  classNames: {
    "sequence-classification": "BertForSequenceClassification",
    "token-classification": "BertForTokenClassification",
    "question-answering": "BertForQuestionAnswering",
    "masked-lm": "BertForMaskedLM",
    "feature-extraction": "BertModel",
  },
  heads: ["classifier.", "qa_outputs.", "cls.", "bert.pooler."],
  model(json, { task, numLabels }) {
    const config = readBertConfig(json, { vocab_size: 30522, pad_token_id: 0 });
    if (task === "masked-lm") requireUnset(json, { tie_word_embeddings: true });
    return {
      task,
      className: bert.classNames[task]!,
      vocabSize: config.vocab_size,
      hiddenSize: config.hidden_size,
      maxLength: config.max_position_embeddings,
      padTokenId: config.pad_token_id ?? 0,
      ...(task === "sequence-classification" && { headReads: "cls" }),
      inputs: ["input_ids", "attention_mask", "token_type_ids"],
      parameters: [...encoderSpecs(config, "bert"), ...headSpecs(config, task, numLabels)],
      compute(params, batch, dropoutMasks) {
        const context: BertContext = { base: "bert", params, dropoutMasks, config };
        const { lastHiddenState: known } = batch;
        const { x, layerInputs } = known
          ? { x: known, layerInputs: [] }
          : encode(context, batch, addedEmbeddings(context, batch)); // (B, T, C)
        return {
          lastHiddenState: x,
          logits: applyHead(context, { x, task, batch }),
          keyValues: [],
          layerInputs,
        };
      },
      parameterName,
    };
  },
};

/** The kind of each token, and its place in the row. */
function addedEmbeddings({ params }: BertContext, { inputIds, tokenTypeIds }: TokenBatch) {
  const length = inputIds.shape[1]!;
  const table = parameterValue(params, "bert.embeddings.position_embeddings.weight");
  return {
    types: applyEmbedding(tokenTypeIds!, params, "bert.embeddings.token_type_embeddings"), // (B, T, C)
    positions: ops.slice(table, { axes: [0], starts: [0], ends: [length] }), // (T, C)
  };
}

function applyHead(
  context: BertContext,
  { x, task, batch }: { x: Value; task: Task; batch: TokenBatch },
): Value {
  if (task === "sequence-classification") return classify(context, x);
  if (task === "masked-lm") return predictWords(context, rowsAt(x, batch.logitsAt));
  if (task === "question-answering") return applyLinear(x, context.params, "qa_outputs"); // (B, T, 2)
  if (task === "feature-extraction") return x;
  const { params, dropoutMasks, config } = context;
  const kept = drop(x, dropoutMasks, { site: "classifier", p: config.classifier_dropout });
  return applyLinear(kept, params, "classifier"); // (B, T, labels)
}

/** Sequence classification: the pooled first token, through one linear layer. */
function classify({ params, dropoutMasks, config }: BertContext, x: Value): Value {
  const first = ops.slice(x, { axes: [1], starts: [0], ends: [1] }); // (B, 1, C)
  const token = ops.reshape(first, [x.shape[0]!, config.hidden_size]); // (B, C)
  const pooled = ops.tanh(applyLinear(token, params, "bert.pooler.dense")); // (B, C)
  const kept = drop(pooled, dropoutMasks, { site: "classifier", p: config.classifier_dropout });
  return applyLinear(kept, params, "classifier"); // (B, labels)
}

/** Masked words: a transformed token against the embedding of every word. */
function predictWords({ params, config }: BertContext, x: Value): Value {
  const prefix = "cls.predictions.transform";
  const dense = activate(applyLinear(x, params, `${prefix}.dense`), config.hidden_act); // (…, C)
  const eps = config.layer_norm_eps;
  const y = applyLayerNorm(dense, params, { prefix: `${prefix}.LayerNorm`, eps });
  const bias = parameterValue(params, "cls.predictions.bias");
  return ops.linear(y, parameterValue(params, WORDS), bias); // (…, V)
}

function headSpecs(config: BertConfig, task: Task, numLabels: number): readonly ParameterSpec[] {
  const { hidden_size: width, vocab_size, initializer_range: deviation } = config;
  if (task === "feature-extraction") return [];
  if (task === "masked-lm")
    return ofHead([
      { name: "cls.predictions.bias", shape: [vocab_size], initial: "zeros", decays: false },
      ...linearSpecs("cls.predictions.transform.dense", [width, width], deviation),
      ...layerNormSpecs("cls.predictions.transform.LayerNorm", width),
    ]);
  if (task === "question-answering")
    return ofHead(linearSpecs("qa_outputs", [width, 2], deviation));
  const pooler = linearSpecs("bert.pooler.dense", [width, width], deviation);
  return [
    ...(task === "sequence-classification" ? ofHead(pooler) : []),
    ...ofHead(linearSpecs("classifier", [width, numLabels], deviation), { perLabel: true }),
  ];
}

/** Older checkpoints say gamma and beta, and hold tied weights twice; a base model's own lack the prefix. */
function parameterName(checkpointName: string): string | undefined {
  const isCopy = /(^|\.)position_ids$|^cls\.predictions\.decoder\./.test(checkpointName);
  if (isCopy) return undefined;
  return checkpointName
    .replace(/LayerNorm\.gamma$/, "LayerNorm.weight")
    .replace(/LayerNorm\.beta$/, "LayerNorm.bias")
    .replace(/^(embeddings|encoder|pooler)\./, "bert.$1.");
}
