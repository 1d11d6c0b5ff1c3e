import type { Device } from "../compute/device.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import { DeviceState } from "./device-state.ts";
import { HostState } from "./host-state.ts";
import type { TrainState } from "./train-state.ts";
import type { TrainingArguments } from "./training-arguments.ts";

/** The state of a training that starts from these weights, which stay as they are. */
export function openTrainState(
  start: ModelWithWeights,
  device: Device,
  given: TrainingArguments,
): TrainState {
  return holdsTensors(device)
    ? new DeviceState(start, device, given)
    : new HostState(start, device, given);
}

function holdsTensors(device: Device): device is Device & Required<Pick<Device, "hold">> {
  return device.hold !== undefined;
}
