import type { TensorData } from "../device.ts";
import { DeviceError } from "../device-error.ts";
import { nameOf, newArray, show, sizeOf, type Value } from "../graph.ts";

/** What was given for a graph input; a DeviceError where that is nothing, or of another type, shape or length. */
export function checkedInput(value: Value, given: TensorData | undefined): TensorData {
  const name = nameOf(value);
  const needed = `${value.dtype} ${show(value.shape)}`;
  if (given === undefined)
    throw new DeviceError(
      "device-input",
      `The graph needs an input "${name}": ${needed}.`,
      "Give it.",
    );
  const fits = given.dtype === value.dtype && show(given.shape) === show(value.shape);
  if (!fits || !isOfType(value, given) || given.data.length !== sizeOf(value.shape))
    throw new DeviceError(
      "device-input",
      `Input "${name}" is ${given.dtype} ${show(given.shape)} with ${given.data.length} elements; the graph reads ${needed}.`,
      "Compile the graph for this shape.",
    );
  return given;
}

function isOfType({ dtype }: Value, { data }: TensorData): boolean {
  return newArray(dtype, 0).constructor === data.constructor;
}
