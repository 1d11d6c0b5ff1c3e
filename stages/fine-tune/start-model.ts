import { readConfig } from "../../models/checkpoint.ts";
import type { ConfigJson } from "../../models/config-json.ts";
import { type FileSource, folderSource } from "../../models/file-source.ts";
import { labelsOf, problemTypeOf } from "../../models/labels.ts";
import type { ProblemType } from "../../models/model.ts";
import { createModel, loadPretrained, type ModelWithWeights } from "../../models/pretrained.ts";
import { modelSource, type TrainingFacts, withModelErrors } from "../artifacts/model.ts";
import type { Tokens } from "../artifacts/tokens.ts";
import { endTokenOf } from "../end-tokens.ts";
import { areUnnamed } from "../number-rows.ts";
import { BatchEncoder } from "../tokenize/batch-encoder.ts";
import type { TrainedTask } from "../trained-tasks.ts";
import type { FineTuneContext } from "./fine-tune-model.ts";

/** What training starts from, and a sentence that says what it is. */
export interface StartModel {
  readonly classifier: ModelWithWeights;
  readonly start: TrainingFacts["start"];
  readonly told: string;
}

/** What a model is to learn. */
export interface WantedModel {
  readonly task: TrainedTask;
  readonly labels: readonly string[];
  readonly problemType?: ProblemType;
}

/**
 * The model that the param or the port names, for these labels. A checkpoint that knows all of them by name keeps
 * its head and its own order of labels; another one gets a new head, drawn from the seed.
 */
export async function openStartModel(
  context: FineTuneContext,
  wanted: WantedModel,
  tokens: Pick<Tokens, "facts" | "tokenizer">,
): Promise<StartModel> {
  const { params, inputs, seed } = context;
  const { model } = params;
  if (typeof model === "object") {
    const config = completedConfig(model.config as ConfigJson, wanted.task, tokens);
    const classifier = await withModelErrors("The config of `model` cannot be used", async () =>
      createModel(config, { ...wanted, seed }),
    );
    return { classifier, start: "random", told: "random weights" };
  }
  if (inputs.model === undefined && model === undefined)
    throw new Error("internal: a fine-tune stage without a model passed the check");
  const source = inputs.model ? modelSource(inputs.model.files) : folderSource(model!);
  return withModelErrors("The checkpoint cannot be used", () => startOf(source, wanted, seed));
}

async function startOf(source: FileSource, wanted: WantedModel, seed: number): Promise<StartModel> {
  const config = await readConfig(source);
  const own = labelsOf(config);
  const labels = knowsLabels(config, wanted) ? own : wanted.labels;
  const classifier = await loadPretrained(source, { ...wanted, labels, seed });
  const { keptHead, initialised, unexpected } = classifier.report;
  const left = unexpected.length > 0 ? `; ${unexpected.length} tensors are not used` : "";
  const told = keptHead
    ? `a checkpoint${own.length > 0 ? ` with its classification head for ${own.length} labels` : ""}${left}`
    : `a checkpoint; drawn from the seed: ${initialised.join(", ")}${left}`;
  return {
    classifier,
    start: keptHead ? "checkpoint-with-head" : "checkpoint-with-new-head",
    told,
  };
}

/** Whether a checkpoint's own labels, in their order, serve; numbers without names are those that are wanted. */
function knowsLabels(config: ConfigJson, { labels, problemType }: WantedModel): boolean {
  const own = labelsOf(config);
  const hasAll = labels.every((label) => own.includes(label));
  if (problemType !== "regression") return hasAll;
  if (own.length !== labels.length) return false;
  return hasAll || (areUnnamed(own) && problemTypeOf(config) === "regression");
}

/** The tokenizer decides what the config leaves open. */
function completedConfig(
  config: ConfigJson,
  task: TrainedTask,
  { facts, tokenizer }: Pick<Tokens, "facts" | "tokenizer">,
): ConfigJson {
  const { vocab_size, pad_token_id } = facts;
  const own = { vocab_size, ...(pad_token_id !== null && { pad_token_id }), ...config };
  if (task !== "sequence-to-sequence") return own;
  const eos_token_id = endTokenOf(new BatchEncoder(tokenizer, { maxLength: 1 }).facts);
  const decoder_start_token_id = own.pad_token_id ?? 0;
  return { decoder_start_token_id, ...(eos_token_id !== undefined && { eos_token_id }), ...own };
}
