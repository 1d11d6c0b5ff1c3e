import type { Device } from "../../compute/device.ts";
import { DeviceError } from "../../compute/device-error.ts";
import { deviceKinds } from "../../compute/devices/device-kinds.ts";
import { graphOf, input } from "../../compute/graph.ts";
import { add } from "../../compute/ops/elementwise.ts";
import type { Finding } from "./finding.ts";

/** Whether a kind of device is there and computes. Only runs that name it need it. */
export async function examineDevice(name: string): Promise<Finding> {
  const kind = deviceKinds[name]!;
  try {
    const runtime = kind.runtime();
    kind.adapter?.();
    const sum = await addOn(await kind.open({ threads: 1 }));
    if (sum === 5) return { name, state: "ok", detail: `${runtime} computes` };
    return { name, state: "note", detail: `${runtime} computes 2 + 3 = ${sum}` };
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return { name, state: "absent", detail: error.message, hint: error.hint };
  }
}

/** 2 + 3, by this device. */
export async function addOn(device: Device): Promise<number> {
  const graph = graphOf({ sum: add(input("a", [1]), input("b", [1])) });
  const executable = await device.compile(graph);
  const scalar = (value: number) => ({
    dtype: "float32" as const,
    shape: [1],
    data: Float32Array.of(value),
  });
  const { sum } = await executable.run({ a: scalar(2), b: scalar(3) });
  await executable.release();
  return Number(sum?.data[0]);
}
