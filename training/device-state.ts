import type { Device, Executable, HeldTensors, TensorData } from "../compute/device.ts";
import { SessionCache } from "../compute/session-cache.ts";
import type { Model } from "../models/model.ts";
import type { Parameters } from "../models/parameters.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import { DROPOUT_KEY } from "./computed-masks.ts";
import { type DeviceGraph, sumGraph, updateGraph } from "./device-graphs.ts";
import { dropoutKey } from "./dropout-key.ts";
import { HeldTraining } from "./held-training.ts";
import { SESSIONS } from "./host-state.ts";
import { LossScale } from "./loss-scale.ts";
import { createGraphRule } from "./optimizers/create-optimizer.ts";
import type { GraphRule } from "./optimizers/graph-rule.ts";
import { productType } from "./product-type.ts";
import type { StepResult, StepRole, TrainedTensors, TrainState } from "./train-state.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { trainingGraph } from "./training-graph.ts";
import type { TrainingBatch } from "./training-step.ts";

/** What a batch does in its step: `sum` keeps its gradients, `update` ends the step, alone or on top of such sums. */
type Part = "sum" | "update" | "update-sums";

/**
 * Weights and optimizer in a device's memory. A step sends the batch and a few numbers, and gets back its loss and the
 * gradient's norm; nothing else moves.
 */
export class DeviceState implements TrainState {
  readonly #model: Model;
  readonly #given: TrainingArguments;
  readonly #rule: GraphRule;
  readonly #held: HeldTensors;
  readonly #trained: HeldTraining;
  readonly #lossScale: LossScale | undefined;
  readonly #sessions = new SessionCache(SESSIONS);
  #steps = 0;
  #hasAverage = false;

  constructor(
    { model, parameters }: ModelWithWeights,
    device: Device & Required<Pick<Device, "hold">>,
    given: TrainingArguments,
  ) {
    this.#model = model;
    this.#given = given;
    this.#rule = createGraphRule(given);
    this.#held = device.hold();
    this.#trained = new HeldTraining(model, this.#rule, this.#held);
    this.#trained.replace({ parameters, optimizer: new Map() });
    this.#lossScale = productType(given) === "float16" ? new LossScale() : undefined;
  }

  async step(batches: readonly TrainingBatch[], role: StepRole): Promise<StepResult> {
    const result = await this.#update(batches, role);
    if (!Number.isFinite(result.loss)) return result;
    if (!Number.isFinite(result.gradNorm)) {
      if (!this.#lossScale?.shrink()) return result;
      // An overflow: the step is taken back and computed again, so that no rows are passed over.
      this.#held.revert();
      return this.step(batches, role);
    }
    this.#steps += 1;
    this.#hasAverage = this.#given.ema_decay !== undefined;
    this.#lossScale?.keep();
    return result;
  }

  async weights(): Promise<Parameters> {
    return this.#hasAverage ? this.#trained.average() : this.#trained.parameters();
  }

  async tensors(): Promise<TrainedTensors> {
    const average = this.#hasAverage && (await this.#trained.average());
    const moments = await this.#trained.optimizer();
    return {
      parameters: await this.#trained.parameters(),
      optimizer: new Map([...moments, ...(this.#lossScale?.state() ?? [])]),
      ...(average && { average }),
    };
  }

  restore(tensors: TrainedTensors, steps: number): void {
    this.#trained.replace(tensors);
    this.#steps = steps;
    this.#hasAverage = tensors.average !== undefined;
    this.#lossScale?.restore(tensors.optimizer);
  }

  async releaseGraphs(): Promise<void> {
    await this.#sessions.clear();
  }

  async release(): Promise<void> {
    await this.releaseGraphs();
    await this.#held.release();
  }

  async #update(batches: readonly TrainingBatch[], role: StepRole): Promise<StepResult> {
    const last = batches.length - 1;
    let loss = 0;
    for (const [part, batch] of batches.slice(0, -1).entries()) {
      const scalars = { keeps_sums: part === 0 ? 0 : 1 };
      const outputs = await this.#run("sum", batch, { ...role, part, scalars });
      loss += numberOf(outputs.loss);
    }
    const outputs = await this.#run(last === 0 ? "update" : "update-sums", batches[last]!, {
      ...role,
      part: last,
      scalars: this.#scalars(role.learningRate),
    });
    return { loss: loss + numberOf(outputs.loss), gradNorm: numberOf(outputs.gradient_norm) };
  }

  async #run(
    part: Part,
    batch: TrainingBatch,
    { scalars, ...role }: StepRole & { part: number; scalars: Readonly<Record<string, number>> },
  ): Promise<Record<string, TensorData>> {
    await this.#trained.place();
    const key = `${part} ${JSON.stringify(batch.sizes)}`;
    const executable = await this.#sessions.get(key, () => this.#compile(part, batch));
    const inputs = new Map(batch.tensors);
    const scale = this.#lossScale && { loss_scale: this.#lossScale.value };
    for (const [name, value] of Object.entries({ ...scalars, ...scale }))
      inputs.set(name, { dtype: "float32", shape: [], data: Float32Array.of(value) });
    inputs.set(DROPOUT_KEY, { dtype: "int32", shape: [4], data: dropoutKey(role) });
    return executable.run(inputs);
  }

  async #compile(part: Part, { sizes }: TrainingBatch): Promise<Executable> {
    const [model, given] = [this.#model, this.#given];
    const checkpointing = given.gradient_checkpointing;
    const training = trainingGraph(model, sizes, {
      smoothing: given.label_smoothing_factor,
      checkpointing,
      mixedPrecision: productType(given),
      computesMasks: true,
    });
    const { graph, next }: DeviceGraph =
      part === "sum"
        ? sumGraph(training, { model, given })
        : updateGraph(training, { model, given, adds: part === "update-sums" });
    await this.#trained.fill(graph, next.values());
    return this.#held.compile(graph, { next, repeats: checkpointing });
  }

  /** What a graph that ends a step reads beside its batch. */
  #scalars(learningRate: number): Readonly<Record<string, number>> {
    const { ema_decay } = this.#given;
    return {
      learning_rate: learningRate,
      ...this.#rule.numbers(this.#steps + 1),
      // The first average is a copy.
      ...(ema_decay !== undefined && { average_share: this.#hasAverage ? 1 - ema_decay : 1 }),
    };
  }
}

function numberOf(tensor: TensorData | undefined): number {
  return (tensor!.data as Float32Array)[0]!;
}
