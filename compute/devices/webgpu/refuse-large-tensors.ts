import { bytesOf } from "../../bytes-of.ts";
import { DeviceError } from "../../device-error.ts";
import { type Graph, nameOf, type Shape, show, topologicalOrder } from "../../graph.ts";

const SMALLER_BATCH =
  "lower per_device_train_batch_size and raise gradient_accumulation_steps as much, lower max_length, or run with --device cpu";
const SMALLER_MODEL = "take a smaller model, or run with --device cpu";

/** Throws a DeviceError that names the graph's largest tensor, where it has more bytes than a buffer of the device may have. */
export function refuseLargeTensors(graph: Graph, limit: number): void {
  const values = topologicalOrder([...graph.outputs.values()]);
  const largest = values.reduce((a, b) => (bytesOf(b) > bytesOf(a) ? b : a));
  const bytes = bytesOf(largest);
  if (bytes <= limit) return;
  const isGiven = largest.op === "Input";
  const name = isGiven ? `"${nameOf(largest)}"` : `the result of ${largest.op},`;
  throw tooLarge(
    `${name} ${show(largest.shape)}`,
    bytes,
    limit,
    isGiven ? SMALLER_MODEL : SMALLER_BATCH,
  );
}

/** The same of a tensor of weights that is to stay on the device. */
export function refuseLargeWeight(shape: Shape, bytes: number, limit: number): void {
  if (bytes > limit) throw tooLarge(`a weight ${show(shape)}`, bytes, limit, SMALLER_MODEL);
}

function tooLarge(what: string, bytes: number, limit: number, hint: string): DeviceError {
  const message = `The graphics device takes tensors of up to ${limit} bytes: ${what} has ${bytes}.`;
  return new DeviceError("device-memory", message, hint);
}
