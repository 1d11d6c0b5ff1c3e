import type { HeldTensors, TensorData } from "../compute/device.ts";
import { type Graph, nameOf, sizeOf } from "../compute/graph.ts";
import type { Model } from "../models/model.ts";
import { type Parameter, type Parameters, parameter } from "../models/parameters.ts";
import type { RawTensor } from "../models/safetensors.ts";
import { averageName, slotName } from "./device-graphs.ts";
import type { GraphRule } from "./optimizers/graph-rule.ts";
import { wholeSlot } from "./optimizers/whole-slot.ts";
import { tensorOf } from "./tensor-bytes.ts";
import type { TrainedTensors } from "./train-state.ts";

/** The tensors of a training that lie on a device: parameters, their moving average, and the optimizer's memory. */
export class HeldTraining {
  readonly #model: Model;
  readonly #rule: GraphRule;
  readonly #held: HeldTensors;
  readonly #names = new Set<string>();
  /** What is to be written before anything else; it stays as it is. */
  #toWrite: TrainedTensors | undefined;

  constructor(model: Model, rule: GraphRule, held: HeldTensors) {
    this.#model = model;
    this.#rule = rule;
    this.#held = held;
  }

  /** These take the place of what is there, as soon as it is read or `place` is called. */
  replace(tensors: TrainedTensors): void {
    this.#toWrite = tensors;
  }

  /** Sees that all is there that was given. */
  async place(): Promise<void> {
    if (this.#toWrite === undefined) return;
    const { parameters, optimizer, average } = this.#toWrite;
    this.#toWrite = undefined;
    for (const [name, { shape, data }] of parameters) await this.#write(name, shape, data);
    for (const { slot, spec, shape } of this.#slots()) {
      const data = wholeSlot(optimizer, slotName(slot, spec.name), { ...spec, shape });
      if (data !== undefined) await this.#write(slotName(slot, spec.name), shape, data);
    }
    for (const [name, { shape, data }] of average ?? [])
      await this.#write(averageName(name), shape, data);
  }

  /** Sees that all is there that a graph goes on from (`names`): zeros where nobody has written yet. */
  async fill(graph: Graph, names: Iterable<string>): Promise<void> {
    const needed = new Set(names);
    for (const value of graph.inputs) {
      const name = nameOf(value);
      if (!needed.has(name) || this.#names.has(name)) continue;
      await this.#write(name, value.shape, new Float32Array(sizeOf(value.shape)));
    }
  }

  async parameters(): Promise<Parameters> {
    return this.#read((name) => name);
  }

  /** Parameters that are not trained are their own average. */
  async average(): Promise<Parameters> {
    return this.#read((name) => (this.#names.has(averageName(name)) ? averageName(name) : name));
  }

  /** The optimizer's memory, under the names of checkpoints. */
  async optimizer(): Promise<Map<string, RawTensor>> {
    await this.place();
    const slots = [...this.#slots()].map(({ slot, spec }) => slotName(slot, spec.name));
    const found = new Map<string, RawTensor>();
    for (const name of slots.filter((slot) => this.#names.has(slot))) {
      const { data, shape } = await this.#readOne(name);
      found.set(name, tensorOf(data as Float32Array, shape));
    }
    return found;
  }

  *#slots() {
    for (const spec of this.#model.parameters) {
      if (spec.frozen) continue;
      for (const [slot, shape] of Object.entries(this.#rule.slots(spec.shape)))
        yield { slot, spec, shape };
    }
  }

  async #write(name: string, shape: readonly number[], data: Float32Array): Promise<void> {
    await this.#held.write([[name, { dtype: "float32", shape, data }]]);
    this.#names.add(name);
  }

  async #read(nameOfHeld: (parameter: string) => string): Promise<Parameters> {
    await this.place();
    const found = new Map<string, Parameter>();
    for (const { name, shape } of this.#model.parameters) {
      const { data } = await this.#readOne(nameOfHeld(name));
      found.set(name, parameter(shape, data as Float32Array));
    }
    return found;
  }

  async #readOne(name: string): Promise<TensorData> {
    return (await this.#held.read([name])).get(name)!;
  }
}
