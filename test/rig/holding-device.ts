import type { Device, Executable, TensorData, Tensors } from "../../compute/device.ts";
import {
  type CompileResident,
  type DeviceCopies,
  DeviceTensors,
} from "../../compute/devices/device-tensors.ts";

type Floats = TensorData & { readonly data: Float32Array };

/** A device that computes as this one does, and holds tensors as a graphics device: its memory is the host's. */
export function holdingDevice(device: Device): Device & Required<Pick<Device, "hold">> {
  const compile: CompileResident<Floats> = async (graph, residence, options) => {
    const executable = await device.compile(graph, options);
    const run = async (inputs: ReadonlyMap<string, TensorData> | Tensors) => {
      const given = inputs instanceof Map ? inputs : new Map(Object.entries(inputs));
      const held = graph.inputs.flatMap(({ attributes }) => {
        const tensor = residence.tensorOf(attributes.name as string);
        return tensor === undefined ? [] : [[attributes.name as string, tensor] as const];
      });
      const found = await executable.run(new Map<string, TensorData>([...given, ...held]));
      const returned: Record<string, TensorData> = {};
      for (const [name, tensor] of Object.entries(found)) {
        const spare = residence.spareOf(name);
        if (spare === undefined) returned[name] = tensor;
        else spare.data.set(tensor.data as Float32Array);
      }
      residence.ran({
        toDevice: bytesOf(given.values()),
        toHost: bytesOf(Object.values(returned)),
      });
      return returned;
    };
    return { run, release: () => executable.release() } satisfies Executable;
  };
  return { ...device, hold: () => new DeviceTensors(copies, compile) };
}

const copyOf = ({ shape, data }: TensorData): Floats => ({
  dtype: "float32",
  shape,
  data: (data as Float32Array).slice(),
});

const copies: DeviceCopies<Floats> = {
  toDevice: async (tensor) => copyOf(tensor),
  duplicate: async (tensor) => copyOf(tensor),
  toHost: async ({ data }) => data.slice(),
  dispose: ({ data }) => void data.fill(Number.NaN),
};

function bytesOf(tensors: Iterable<TensorData>): number {
  return Array.from(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
}
