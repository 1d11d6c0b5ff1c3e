import type { Device, Executable, TensorData } from "../compute/device.ts";
import type { Graph } from "../compute/graph.ts";
import { SessionCache } from "../compute/session-cache.ts";
import type { Parameters } from "../models/parameters.ts";

/** Graphs of a model on a device, which read its parameters: copied once to a device that has memory of its own. */
export class ModelGraphs {
  readonly #device: Device;
  readonly #parameters: Parameters;
  readonly #held: ReturnType<NonNullable<Device["hold"]>> | undefined;
  readonly #sessions: SessionCache;
  #isPlaced = false;

  /** Keeps at most `sessions` compiled graphs. */
  constructor(
    { device, parameters }: { readonly device: Device; readonly parameters: Parameters },
    { sessions }: { readonly sessions: number },
  ) {
    this.#device = device;
    this.#parameters = parameters;
    this.#held = device.hold?.();
    this.#sessions = new SessionCache(sessions);
  }

  /** The outputs of the graph with this key, which is built where it is not held; `inputs` are those beside the parameters. */
  async run(
    key: string,
    graph: () => Graph,
    inputs: Iterable<readonly [string, TensorData]>,
  ): Promise<Record<string, TensorData>> {
    const executable = await this.#sessions.get(key, () => this.#compile(graph()));
    return executable.run(new Map(this.#held ? inputs : [...this.#parameters, ...inputs]));
  }

  /** Frees graphs and copies. */
  async release(): Promise<void> {
    await this.#sessions.clear();
    await this.#held?.release();
    this.#isPlaced = false;
  }

  async #compile(graph: Graph): Promise<Executable> {
    if (this.#held === undefined) return this.#device.compile(graph);
    if (!this.#isPlaced) await this.#held.write(this.#parameters);
    this.#isPlaced = true;
    return this.#held.compile(graph);
  }
}
