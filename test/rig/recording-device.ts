import type { Device, Executable, TensorData } from "../../compute/device.ts";
import { type Graph, newArray, sizeOf } from "../../compute/graph.ts";

/** A device that computes nothing and remembers what it was to compute: outputs are zeros. */
export function recordingDevice(): { readonly device: Device; readonly graphs: readonly Graph[] } {
  const graphs: Graph[] = [];
  const compile = async (graph: Graph): Promise<Executable> => {
    graphs.push(graph);
    return {
      run: async () =>
        Object.fromEntries(
          Array.from(graph.outputs, ([name, { dtype, shape }]) => {
            const tensor: TensorData = { dtype, shape, data: newArray(dtype, sizeOf(shape)) };
            return [name, tensor];
          }),
        ),
      async release() {},
    };
  };
  const device: Device = {
    facts: {
      kind: "cuda",
      runtime: "none",
      platform: "none",
      instructionSet: "unknown",
      threads: 1,
    },
    compile,
    lacksPrecision: async () => undefined,
    hold() {
      const held = new Map<string, TensorData>();
      return {
        async write(tensors) {
          for (const [name, tensor] of tensors) held.set(name, tensor);
        },
        read: async (names) => new Map(Array.from(names, (name) => [name, held.get(name)!])),
        compile,
        traffic: { toDevice: 0, toHost: 0 },
        revert() {},
        async release() {},
      };
    },
  };
  return { device, graphs };
}
