import type { Tensor } from "onnxruntime-node";
import type {
  Executable,
  HeldCompileOptions,
  HeldTensors,
  TensorData,
  Traffic,
} from "../device.ts";
import { type Graph, nameOf, ShapeError, show } from "../graph.ts";
import { exportOnnx } from "../onnx/export-onnx.ts";
import type { Runtime } from "./session-executable.ts";
import type { OpenSession, WebgpuCopies } from "./webgpu-copies.ts";
import { WebgpuExecutable } from "./webgpu-executable.ts";
import { webgpuGraph } from "./webgpu-graph.ts";

/** A held tensor; a run writes into `spare` while it reads `now`, and then they change places. */
interface Held {
  readonly shape: readonly number[];
  now: Tensor;
  spare: Tensor | undefined;
}

/**
 * Tensors in the graphics device's memory. Those that runs replace have two buffers in turn: written where it is read,
 * a tensor could change under another reader of the same run.
 */
export class WebgpuTensors implements HeldTensors {
  readonly #runtime: Runtime;
  readonly #open: OpenSession;
  readonly #copies: WebgpuCopies;
  readonly #held = new Map<string, Held>();
  #traffic: Traffic = { toDevice: 0, toHost: 0 };
  /** Names of what the last run replaced: their spare tensors are as they were before it. */
  #replaced: readonly string[] = [];

  constructor(runtime: Runtime, open: OpenSession, copies: WebgpuCopies) {
    this.#runtime = runtime;
    this.#open = open;
    this.#copies = copies;
  }

  get traffic(): Traffic {
    return this.#traffic;
  }

  async write(tensors: Iterable<readonly [string, TensorData]>): Promise<void> {
    for (const [name, tensor] of tensors) {
      const before = this.#held.get(name);
      dispose(before);
      const now = await this.#copies.toDevice(tensor);
      const spare = before?.spare && (await this.#copies.duplicate(now));
      this.#held.set(name, { shape: tensor.shape, now, spare });
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
    const session = await this.#open(exportOnnx(webgpuGraph(graph)), { repeats });
    return new WebgpuExecutable(this.#runtime, graph, session, {
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
    });
  }

  revert(): void {
    for (const name of this.#replaced) takeTurns(this.#heldOf(name));
    this.#replaced = [];
  }

  async release(): Promise<void> {
    for (const held of this.#held.values()) dispose(held);
    this.#held.clear();
  }

  #heldOf(name: string): Held {
    const held = this.#held.get(name);
    if (held === undefined) throw new ShapeError(`internal: "${name}" is not held.`);
    return held;
  }

  #count({ toDevice, toHost }: Traffic): void {
    const before = this.#traffic;
    this.#traffic = { toDevice: before.toDevice + toDevice, toHost: before.toHost + toHost };
  }
}

function takeTurns(held: Held): void {
  const { now, spare } = held;
  [held.now, held.spare] = [spare!, now];
}

function dispose(held: Held | undefined): void {
  held?.now.dispose();
  held?.spare?.dispose();
}
