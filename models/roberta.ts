import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import {
  type BertConfig,
  type BertContext,
  encode,
  encoderSpecs,
  readBertConfig,
} from "./bert-encoder.ts";
import { fieldError, requireUnset } from "./config-json.ts";
import {
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

const POSITIONS = "roberta.embeddings.position_embeddings.weight";
const TYPES = "roberta.embeddings.token_type_embeddings.weight";
const WORDS = "roberta.embeddings.word_embeddings.weight";

/**
 * RoBERTa: BERT's encoder with other positions and heads. https://arxiv.org/abs/1907.11692
 * Original source: https://github.com/facebookresearch/fairseq/tree/main/fairseq/models/roberta
 */
export const roberta = robertaLike("roberta", "Roberta");

/** XLM-RoBERTa: RoBERTa for a hundred languages. https://arxiv.org/abs/1911.02116 */
export const xlmRoberta = robertaLike("xlm-roberta", "XLMRoberta");

/** Parameter names and defaults are those of transformers' RobertaForSequenceClassification and its like. */
function robertaLike(modelType: string, stem: string): Architecture {
  const classNames = {
    "sequence-classification": `${stem}ForSequenceClassification`,
    "token-classification": `${stem}ForTokenClassification`,
    "question-answering": `${stem}ForQuestionAnswering`,
    "masked-lm": `${stem}ForMaskedLM`,
    "feature-extraction": `${stem}Model`,
  };
  return {
    modelType,
    classNames,
    heads: ["classifier.", "qa_outputs.", "lm_head.", "roberta.pooler."],
    model(json, { task, numLabels }) {
      const config = readBertConfig(json, { vocab_size: 50265, pad_token_id: 1 });
      const { pad_token_id: padding, max_position_embeddings: positions } = config;
      if (padding === null) throw fieldError(json, "pad_token_id", "the id of a token");
      if (positions <= padding + 1)
        throw fieldError(json, "max_position_embeddings", `more than pad_token_id + 1`);
      if (task === "masked-lm") requireUnset(json, { tie_word_embeddings: true });
      return {
        task,
        className: classNames[task as keyof typeof classNames],
        vocabSize: config.vocab_size,
        hiddenSize: config.hidden_size,
        maxLength: positions - padding - 1,
        padTokenId: padding,
        ...(task === "sequence-classification" && { headReads: "cls" }),
        inputs: ["input_ids", "attention_mask"],
        parameters: [
          ...encoderSpecs(config, "roberta", padding),
          ...headSpecs(config, task, numLabels),
        ],
        compute(params, batch, dropoutMasks) {
          const context: BertContext = { base: "roberta", params, dropoutMasks, config };
          const { lastHiddenState: known } = batch;
          const { x, layerInputs } = known
            ? { x: known, layerInputs: [] }
            : encode(context, batch, addedEmbeddings(context, batch, padding)); // (B, T, C)
          const logits = applyHead(context, { x, task, batch });
          return { lastHiddenState: x, logits, keyValues: [], layerInputs };
        },
        parameterName,
      };
    },
  };
}

/** Positions count from the id of padding + 1, and padding itself has that id's; all tokens are of one kind. */
function addedEmbeddings(
  { params, config }: BertContext,
  { inputIds }: TokenBatch,
  padding: number,
) {
  const [batch, length] = inputIds.shape as [number, number];
  const rows = (table: Value, start: number, end: number) =>
    ops.slice(table, { axes: [0], starts: [start], ends: [end] });
  const table = parameterValue(params, POSITIONS);
  const counted = rows(table, padding + 1, config.max_position_embeddings); // of a first token, …
  const ofPadding = ops.gather(table, constant([padding], [1], "int32")); // (1, C), looked up: not trained
  const isPadding = ops.reshape(ops.equal(inputIds, padding), [batch, length, 1]); // (B, T, 1)
  return {
    types: rows(parameterValue(params, TYPES), 0, 1), // (1, C)
    positions: ops.where(isPadding, ofPadding, rows(counted, 0, length)), // (B, T, C)
  };
}

function applyHead(
  context: BertContext,
  { x, task, batch }: { x: Value; task: Task; batch: TokenBatch },
): Value {
  const { params, dropoutMasks, config } = context;
  if (task === "sequence-classification") return classify(context, x);
  if (task === "masked-lm") return predictWords(context, rowsAt(x, batch.logitsAt));
  if (task === "question-answering") return applyLinear(x, params, "qa_outputs"); // (B, T, 2)
  if (task === "feature-extraction") return x;
  const kept = drop(x, dropoutMasks, { site: "classifier", p: config.classifier_dropout });
  return applyLinear(kept, params, "classifier"); // (B, T, labels)
}

/** Sequence classification: the first token through two layers. */
function classify({ params, dropoutMasks, config }: BertContext, x: Value): Value {
  const p = config.classifier_dropout;
  const first = ops.slice(x, { axes: [1], starts: [0], ends: [1] }); // (B, 1, C)
  const token = ops.reshape(first, [x.shape[0]!, config.hidden_size]); // (B, C)
  const kept = drop(token, dropoutMasks, { site: "classifier.dense", p });
  const pooled = ops.tanh(applyLinear(kept, params, "classifier.dense")); // (B, C)
  const keptPooled = drop(pooled, dropoutMasks, { site: "classifier.out_proj", p });
  return applyLinear(keptPooled, params, "classifier.out_proj"); // (B, labels)
}

/** Masked words: a transformed token against the embedding of every word. */
function predictWords({ params, config }: BertContext, x: Value): Value {
  const dense = ops.gelu(applyLinear(x, params, "lm_head.dense"), "erf"); // (…, C)
  const norm = { prefix: "lm_head.layer_norm", eps: config.layer_norm_eps };
  const y = applyLayerNorm(dense, params, norm);
  return ops.linear(y, parameterValue(params, WORDS), parameterValue(params, "lm_head.bias")); // (…, V)
}

function headSpecs(config: BertConfig, task: Task, numLabels: number): readonly ParameterSpec[] {
  const { hidden_size: width, vocab_size, initializer_range: deviation } = config;
  if (task === "feature-extraction") return [];
  if (task === "masked-lm")
    return ofHead([
      { name: "lm_head.bias", shape: [vocab_size], initial: "zeros", decays: false },
      ...linearSpecs("lm_head.dense", [width, width], deviation),
      ...layerNormSpecs("lm_head.layer_norm", width),
    ]);
  if (task === "question-answering")
    return ofHead(linearSpecs("qa_outputs", [width, 2], deviation));
  const labels = (prefix: string) =>
    ofHead(linearSpecs(prefix, [width, numLabels], deviation), { perLabel: true });
  if (task === "token-classification") return labels("classifier");
  const dense = linearSpecs("classifier.dense", [width, width], deviation);
  return [...ofHead(dense), ...labels("classifier.out_proj")];
}

/** A base model's names lack the prefix; some checkpoints hold tied weights twice. */
function parameterName(checkpointName: string): string | undefined {
  const isCopy = /(^|\.)position_ids$|^lm_head\.decoder\./.test(checkpointName);
  if (isCopy) return undefined;
  return checkpointName.replace(/^(embeddings|encoder|pooler)\./, "roberta.$1.");
}
