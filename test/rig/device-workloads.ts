import type { Device, TensorData } from "../../compute/device.ts";
import { type Graph, nameOf, newArray, sizeOf } from "../../compute/graph.ts";
import { FEATURES, headOnFeatures, withFrozenEncoder } from "../../models/frozen-encoder.ts";
import { parameter } from "../../models/parameters.ts";
import { vectorGraph } from "../../training/embed.ts";
import { logitsGraph } from "../../training/evaluate.ts";
import { generate, openDecoder } from "../../training/generate.ts";
import { openTrainState } from "../../training/open-train-state.ts";
import { completeArguments, type TrainingArguments } from "../../training/training-arguments.ts";
import type { TrainingBatch } from "../../training/training-step.ts";
import { graphOfCase } from "./graph-of-case.ts";
import { operationCases } from "./operation-cases.ts";
import { twins } from "./small-configs.ts";
import { type StepCase, stepCases } from "./step-case.ts";
import { typeCases } from "./type-cases.ts";

/** Something that stages have a device do. What it computes is not looked at. */
export interface DeviceWorkload {
  readonly name: string;
  readonly isTraining?: boolean;
  run(device: Device): Promise<void>;
}

const adamw: Partial<TrainingArguments> = { weight_decay: 0.01, ema_decay: 0.9 };
/** What is trained with each model; one of them tries the other optimizers. */
const trainings: Readonly<Record<string, Partial<TrainingArguments>>> = {
  adamw,
  fp16: { ...adamw, mixed_precision: "fp16" },
  bf16: { ...adamw, mixed_precision: "bf16" },
};
const otherTrainings: typeof trainings = {
  sgd: { optim: "sgd", optim_args: { momentum: 0.9, nesterov: true } },
  lion: { optim: "lion_32bit" },
  adafactor: { optim: "adafactor" },
  "no clipping": { max_grad_norm: 0, layerwise_lr_decay: 0.5 },
};

/**
 * Training, evaluating, embedding and writing with every family for every task, and every operation by itself. A family
 * whose graphs are another's is left out.
 */
export function deviceWorkloads(): readonly DeviceWorkload[] {
  const isTwin = ({ name }: StepCase) => twins[name.split(" ")[0]!] !== undefined;
  return [
    ...stepCases()
      .filter((one) => !isTwin(one))
      .flatMap(workloadsOf),
    ...operationCases.map((one) => graphRun(`operation ${one.name}`, () => graphOfCase(one).graph)),
    ...typeCases.map(({ name, graph }) => graphRun(`type ${name}`, () => graph)),
  ];
}

function workloadsOf(one: StepCase): DeviceWorkload[] {
  const { name, start, batch } = one;
  const { model } = start;
  if (model.task === "feature-extraction")
    return (["mean", "cls", "max", "lasttoken"] as const).map((pooling) =>
      graphRun(`${name}, ${pooling}`, () =>
        vectorGraph(model, batch.sizes, { pooling, normalize: pooling !== "cls" }),
      ),
    );
  return [
    graphRun(`logits of ${name}`, () => logitsGraph(model, batch.sizes)),
    ...Object.entries({
      ...trainings,
      ...(name === "bert for sequence-classification" && otherTrainings),
    }).map(([kind, given]) => training(one, kind, given)),
    ...(model.task === "sequence-classification" && one.options === undefined ? heads(one) : []),
    ...(model.keyValueSizes === undefined || batch.sizes.packed ? [] : [writing(one)]),
  ];
}

/** A step of one batch; with plain AdamW then one that adds up two. */
function training(
  { name, start, batch, options }: StepCase,
  kind: string,
  given: Partial<TrainingArguments>,
): DeviceWorkload {
  const all = completeArguments({
    ...given,
    gradient_checkpointing: options?.checkpointing ?? false,
    label_smoothing_factor: options?.smoothing ?? 0,
  });
  return {
    name: `${kind} of ${name}`,
    isTraining: true,
    async run(device) {
      const state = openTrainState(start, device, all);
      try {
        await state.step([batch], { seed: 5, step: 0, learningRate: 0.1 });
        if (given === adamw)
          await state.step([batch, batch], { seed: 5, step: 1, learningRate: 0.1 });
        await state.tensors();
      } finally {
        await state.release();
      }
    },
  };
}

/** Training of the head alone: with the encoder computed in each step, and with its features known. */
function heads({ name, start, batch }: StepCase): DeviceWorkload[] {
  const { model, parameters } = start;
  const rows = batch.sizes.rows;
  const onFeatures = headOnFeatures(model, rows);
  const known = new Map(
    onFeatures.parameters.map((spec) => {
      const zeros = parameter(spec.shape, new Float32Array(sizeOf(spec.shape)));
      return [spec.name, parameters.get(spec.name) ?? zeros] as const;
    }),
  );
  const frozen = { ...start, model: withFrozenEncoder(model) };
  const features = { ...start, model: onFeatures, parameters: known };
  return [
    training({ name: `the head of ${name}`, start: frozen, batch }, "adamw", adamw),
    training(
      { name: `the head of ${name} on ${FEATURES}`, start: features, batch: batchOfRows(batch) },
      "adamw",
      adamw,
    ),
  ];
}

function batchOfRows({ sizes: { rows }, tensors }: TrainingBatch): TrainingBatch {
  const column = (element: (row: number) => number): TensorData => ({
    dtype: "int32",
    shape: [rows, 1],
    data: Int32Array.from({ length: rows }, (_, row) => element(row)),
  });
  const own = { input_ids: column((row) => row), attention_mask: column(() => 1) };
  return { sizes: { rows, length: 1 }, tensors: new Map([...tensors, ...Object.entries(own)]) };
}

/** Greedily, then by two beams. */
function writing({ name, start }: StepCase): DeviceWorkload {
  return {
    name: `writing with ${name}`,
    async run(device) {
      const decoder = openDecoder({ ...start, device });
      for (const num_beams of [1, 2])
        await generate(decoder, [2, 3], { num_beams, max_new_tokens: 3 });
      await decoder.release();
    },
  };
}

/** One run of one graph; inputs are zeros. */
function graphRun(name: string, graphOf: () => Graph): DeviceWorkload {
  return {
    name,
    async run(device) {
      const graph = graphOf();
      const executable = await device.compile(graph);
      await executable.run(zerosFor(graph));
      await executable.release();
    },
  };
}

function zerosFor(graph: Graph): ReadonlyMap<string, TensorData> {
  return new Map(
    graph.inputs.map((value) => {
      const { dtype, shape } = value;
      return [nameOf(value), { dtype, shape, data: newArray(dtype, sizeOf(shape)) }];
    }),
  );
}
