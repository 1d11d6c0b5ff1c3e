import type { Device, Executable, TensorData } from "../../compute/device.ts";
import {
  type CompileResident,
  type DeviceCopies,
  DeviceTensors,
} from "../../compute/devices/device-tensors.ts";
import { nameOf, type Value } from "../../compute/graph.ts";

/** The device, with memory for tensors as a graphics device has it, in the host's: quick, and counted in the same way. */
export function holding(device: Device): Device {
  return { ...device, hold: () => new DeviceTensors(copies, compileResident(device)) };
}

type Floats = TensorData & { readonly data: Float32Array };

const copyOf = ({ shape, data }: TensorData): Floats => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data as Float32Array),
});

const copies: DeviceCopies<Floats> = {
  toDevice: async (tensor) => copyOf(tensor),
  duplicate: async (x) => copyOf(x),
  toHost: async ({ data }) => data.slice(),
  dispose: ({ data }) => data.fill(Number.NaN), // so that reading it is seen
};

function compileResident(device: Device): CompileResident<Floats> {
  return async (graph, { tensorOf, spareOf, ran }, options): Promise<Executable> => {
    const executable = await device.compile(graph, options);
    return {
      async run(given) {
        const fromHost = given instanceof Map ? given : new Map(Object.entries(given));
        const inputs = new Map(fromHost);
        let [toDevice, toHost] = [0, 0];
        for (const value of graph.inputs) {
          const held = tensorOf(nameOf(value));
          if (held === undefined) toDevice += bytesOf(value);
          else inputs.set(nameOf(value), held);
        }
        const outputs = await executable.run(inputs);
        for (const [name, value] of graph.outputs) {
          const spare = spareOf(name);
          if (spare === undefined) toHost += bytesOf(value);
          else spare.data.set(outputs[name]!.data as Float32Array);
        }
        ran({ toDevice, toHost });
        return Object.fromEntries(
          Object.entries(outputs).filter(([name]) => spareOf(name) === undefined),
        );
      },
      release: () => executable.release(),
    };
  };
}

/** As graphics devices count: int64 goes as int32. */
function bytesOf({ dtype, shape }: Value): number {
  const width = dtype === "bool" || dtype === "uint8" ? 1 : 4;
  return shape.reduce((product, size) => product * size, width);
}
