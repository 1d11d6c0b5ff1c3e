import type {
  CompileOptions,
  Executable,
  HeldCompileOptions,
  HeldTensors,
  TensorData,
  Traffic,
} from "../../device.ts";
import { type Graph, nameOf, ShapeError, show } from "../../graph.ts";

/** How tensors of float32 get into a device's memory and out of it. */
export interface DeviceCopies<Tensor> {
  /** A tensor on the device, to be disposed of. */
  toDevice(tensor: TensorData): Promise<Tensor>;
  /** Another tensor on the device, of the same elements. */
  duplicate(x: Tensor): Promise<Tensor>;
  /** Its elements on the host, in memory of their own. */
  toHost(x: Tensor): Promise<Float32Array>;
  dispose(x: Tensor): void;
  /** Gives back memory that nothing holds any more; absent where the device does so by itself. */
  trim?(): void;
}

/** What an executable reads and writes where it lies on the device. */
export interface Residence<Tensor> {
  /** The tensor of an input that is held. */
  tensorOf(name: string): Tensor | undefined;
  /** The tensor that takes an output which is to be held. */
  spareOf(output: string): Tensor | undefined;
  /** Told after each run: outputs are in the spare tensors, and so many bytes went to and fro. */
  ran(bytes: Traffic): void;
}

/** Makes a graph ready of which some tensors lie on the device. */
export type CompileResident<Tensor> = (
  graph: Graph,
  residence: Residence<Tensor>,
  options: CompileOptions,
) => Promise<Executable>;

/** A held tensor; a run writes into `spare` while it reads `now`, and then they change places. */
interface Held<Tensor> {
  readonly shape: readonly number[];
  now: Tensor;
  spare: Tensor | undefined;
}

/**
 * Tensors in a graphics device's memory. Those that runs replace have two buffers in turn: written where it is read,
 * a tensor could change under another reader of the same run.
 */
export class DeviceTensors<Tensor> implements HeldTensors {
  readonly #copies: DeviceCopies<Tensor>;
  readonly #compile: CompileResident<Tensor>;
  readonly #held = new Map<string, Held<Tensor>>();
  #traffic: Traffic = { toDevice: 0, toHost: 0 };
  /** Names of what the last run replaced: their spare tensors are as they were before it. */
  #replaced: readonly string[] = [];

  constructor(copies: DeviceCopies<Tensor>, compile: CompileResident<Tensor>) {
    this.#copies = copies;
    this.#compile = compile;
  }

  get traffic(): Traffic {
    return this.#traffic;
  }

  async write(tensors: Iterable<readonly [string, TensorData]>): Promise<void> {
    for (const [name, tensor] of tensors) {
      const hasTurns = this.#held.get(name)?.spare !== undefined;
      this.#dispose(name);
      const now = await this.#copies.toDevice(tensor);
      const held: Held<Tensor> = { shape: tensor.shape, now, spare: undefined };
      this.#held.set(name, held);
      if (hasTurns) held.spare = await this.#copies.duplicate(now);
      this.#count({ toDevice: tensor.data.byteLength, toHost: 0 });
    }
  }

  async read(names: Iterable<string>): Promise<Map<string, TensorData>> {
    const found = new Map<string, TensorData>();
    for (const name of names) {
      const { shape, now } = this.#heldOf(name);
      const data = await this.#copies.toHost(now);
      found.set(name, { dtype: "float32", shape, data });
      this.#count({ toDevice: 0, toHost: data.byteLength });
    }
    return found;
  }

  async compile(
    graph: Graph,
    { next = new Map(), repeats = false }: HeldCompileOptions = {},
  ): Promise<Executable> {
    for (const value of graph.inputs) {
      const held = this.#held.get(nameOf(value));
      if (held !== undefined && show(held.shape) !== show(value.shape))
        throw new ShapeError(`internal: "${nameOf(value)}" is held as ${show(held.shape)}.`);
    }
    for (const name of next.values()) {
      const held = this.#heldOf(name);
      held.spare ??= await this.#copies.duplicate(held.now);
    }
    const residence: Residence<Tensor> = {
      tensorOf: (name) => this.#held.get(name)?.now,
      spareOf: (output) => {
        const name = next.get(output);
        return name === undefined ? undefined : this.#heldOf(name).spare;
      },
      ran: (bytes) => {
        this.#replaced = [...next.values()];
        for (const name of this.#replaced) takeTurns(this.#heldOf(name));
        this.#count(bytes);
      },
    };
    return this.#compile(graph, residence, { repeats });
  }

  revert(): void {
    for (const name of this.#replaced) takeTurns(this.#heldOf(name));
    this.#replaced = [];
  }

  async release(): Promise<void> {
    for (const name of this.#held.keys()) this.#dispose(name);
    this.#copies.trim?.();
  }

  #heldOf(name: string): Held<Tensor> {
    const held = this.#held.get(name);
    if (held === undefined) throw new ShapeError(`internal: "${name}" is not held.`);
    return held;
  }

  #dispose(name: string): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    this.#held.delete(name);
    this.#copies.dispose(held.now);
    if (held.spare !== undefined) this.#copies.dispose(held.spare);
  }

  #count({ toDevice, toHost }: Traffic): void {
    const before = this.#traffic;
    this.#traffic = { toDevice: before.toDevice + toDevice, toHost: before.toHost + toHost };
  }
}

function takeTurns<Tensor>(held: Held<Tensor>): void {
  const { now, spare } = held;
  [held.now, held.spare] = [spare!, now];
}
