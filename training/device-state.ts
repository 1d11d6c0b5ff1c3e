import type { Device, Executable, HeldTensors, TensorData } from "../compute/device.ts";
import { nameOf, sizeOf } from "../compute/graph.ts";
import { SessionCache } from "../compute/session-cache.ts";
import type { Model } from "../models/model.ts";
import { type Parameter, type Parameters, parameter } from "../models/parameters.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import type { RawTensor } from "../models/safetensors.ts";
import { averageName, type DeviceGraph, isMoment, sumGraph, updateGraph } from "./device-graphs.ts";
import { SESSIONS } from "./host-state.ts";
import { InputBuffers } from "./input-buffers.ts";
import { productType } from "./product-type.ts";
import { floatsOf, tensorOf } from "./tensor-bytes.ts";
import type { StepResult, StepRole, TrainedTensors, TrainState } from "./train-state.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { type DropoutSite, trainingGraph } from "./training-graph.ts";
import type { TrainingBatch } from "./training-step.ts";

/** What a batch does in its step: `sum` keeps its gradients, `update` ends the step, alone or on top of such sums. */
type Part = "sum" | "update" | "update-sums";

/**
 * Weights and AdamW in a device's memory. A step sends the batch, with its dropout masks, and gets back its loss and
 * the gradient's norm; nothing else moves.
 */
export class DeviceState implements TrainState {
  readonly #model: Model;
  readonly #given: TrainingArguments;
  readonly #held: HeldTensors;
  readonly #names = new Set<string>();
  readonly #sessions = new SessionCache(SESSIONS);
  readonly #dropoutSites = new Map<string, readonly DropoutSite[]>();
  readonly #buffers = new InputBuffers();
  /** What is to be written before anything else; it stays as it is. */
  #toWrite: TrainedTensors | undefined;
  #steps = 0;
  #hasAverage = false;

  constructor(
    { model, parameters }: ModelWithWeights,
    device: Device & Required<Pick<Device, "hold">>,
    given: TrainingArguments,
  ) {
    this.#model = model;
    this.#given = given;
    this.#held = device.hold();
    this.#toWrite = { parameters, optimizer: new Map() };
  }

  async step(batches: readonly TrainingBatch[], role: StepRole): Promise<StepResult> {
    let loss = 0;
    for (const [part, batch] of batches.slice(0, -1).entries()) {
      const keep = { keep_sums: scalar(part === 0 ? 0 : 1) };
      const outputs = await this.#run("sum", batch, { ...role, part, scalars: keep });
      loss += numberOf(outputs.loss);
    }
    this.#steps += 1;
    const part = batches.length - 1;
    const outputs = await this.#run(part === 0 ? "update" : "update-sums", batches[part]!, {
      ...role,
      part,
      scalars: this.#scalars(role.learningRate),
    });
    this.#hasAverage = this.#given.ema_decay !== undefined;
    loss += numberOf(outputs.loss);
    return { loss, gradNorm: numberOf(outputs.gradient_norm) };
  }

  async weights(): Promise<Parameters> {
    return this.#hasAverage ? this.#average() : this.#parameters();
  }

  async tensors(): Promise<TrainedTensors> {
    await this.#place();
    const names = [...this.#names].filter(isMoment).sort();
    const optimizer = new Map<string, RawTensor>();
    for (const [name, { data, shape }] of await this.#held.read(names))
      optimizer.set(name, tensorOf(data as Float32Array, shape));
    const average = this.#hasAverage && (await this.#average());
    return { parameters: await this.#parameters(), optimizer, ...(average && { average }) };
  }

  restore(tensors: TrainedTensors, steps: number): void {
    this.#toWrite = tensors;
    this.#steps = steps;
    this.#hasAverage = tensors.average !== undefined;
  }

  async releaseGraphs(): Promise<void> {
    await this.#sessions.clear();
  }

  async release(): Promise<void> {
    await this.releaseGraphs();
    await this.#held.release();
  }

  async #run(
    part: Part,
    batch: TrainingBatch,
    {
      scalars,
      ...role
    }: StepRole & { part: number; scalars: Readonly<Record<string, TensorData>> },
  ): Promise<Record<string, TensorData>> {
    await this.#place();
    const key = `${part} ${JSON.stringify(batch.sizes)}`;
    const executable = await this.#sessions.get(key, () => this.#compile(key, part, batch));
    const inputs = new Map([...batch.tensors, ...Object.entries(scalars)]);
    this.#buffers.addMasks(inputs, this.#dropoutSites.get(key)!, role);
    return executable.run(inputs);
  }

  async #compile(key: string, part: Part, { sizes }: TrainingBatch): Promise<Executable> {
    const [model, given] = [this.#model, this.#given];
    const checkpointing = given.gradient_checkpointing;
    const smoothing = given.label_smoothing_factor;
    const mixedPrecision = productType(given);
    const training = trainingGraph(model, sizes, { smoothing, checkpointing, mixedPrecision });
    this.#dropoutSites.set(key, training.dropoutSites);
    const { graph, next }: DeviceGraph =
      part === "sum"
        ? sumGraph(training, model)
        : updateGraph(training, { model, given, adds: part === "update-sums" });
    await this.#fillState(graph, next);
    return this.#held.compile(graph, { next, repeats: checkpointing });
  }

  /** Zeros for what a graph goes on from and nobody has written yet. */
  async #fillState(graph: DeviceGraph["graph"], next: DeviceGraph["next"]): Promise<void> {
    const state = new Set(next.values());
    for (const value of graph.inputs) {
      const name = nameOf(value);
      if (!state.has(name) || this.#names.has(name)) continue;
      const data = new Float32Array(sizeOf(value.shape));
      await this.#write([[name, { dtype: "float32", shape: value.shape, data }]]);
    }
  }

  #scalars(learningRate: number): Readonly<Record<string, TensorData>> {
    const { adam_beta1, adam_beta2, ema_decay } = this.#given;
    return {
      learning_rate: scalar(learningRate),
      first_scale: scalar(1 / (1 - adam_beta1 ** this.#steps)),
      second_scale: scalar(1 / Math.sqrt(1 - adam_beta2 ** this.#steps)),
      // The first average is a copy.
      ...(ema_decay !== undefined && {
        average_share: scalar(this.#hasAverage ? 1 - ema_decay : 1),
      }),
    };
  }

  async #place(): Promise<void> {
    if (this.#toWrite === undefined) return;
    const { parameters, optimizer, average } = this.#toWrite;
    this.#toWrite = undefined;
    await this.#write(parameters);
    for (const [name, tensor] of optimizer) {
      const data = floatsOf(tensor, name, sizeOf(tensor.shape));
      await this.#write([[name, { dtype: "float32", shape: tensor.shape, data }]]);
    }
    for (const [name, value] of average ?? []) await this.#write([[averageName(name), value]]);
  }

  async #write(tensors: Iterable<readonly [string, TensorData]>): Promise<void> {
    for (const [name, tensor] of tensors) {
      await this.#held.write([[name, tensor]]);
      this.#names.add(name);
    }
  }

  async #parameters(): Promise<Parameters> {
    await this.#place();
    return this.#read((name) => name);
  }

  /** Parameters that are not trained are their own average. */
  async #average(): Promise<Parameters> {
    await this.#place();
    return this.#read((name) => (this.#names.has(averageName(name)) ? averageName(name) : name));
  }

  async #read(nameOfHeld: (parameter: string) => string): Promise<Parameters> {
    const found = new Map<string, Parameter>();
    for (const { name, shape } of this.#model.parameters) {
      const held = nameOfHeld(name);
      const { data } = (await this.#held.read([held])).get(held)!;
      found.set(name, parameter(shape, data as Float32Array));
    }
    return found;
  }
}

function scalar(value: number): TensorData {
  return { dtype: "float32", shape: [], data: Float32Array.of(value) };
}

function numberOf(tensor: TensorData | undefined): number {
  return (tensor!.data as Float32Array)[0]!;
}
