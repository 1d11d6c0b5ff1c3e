import type { RawTensor } from "../models/safetensors.ts";
import { floatsOf, tensorOf } from "./tensor-bytes.ts";

const FIRST = 65536;
const STEPS_TO_GROW = 2000;
const NAME = "loss_scale";

/**
 * What the loss is multiplied by, so that small gradients are no zeros in float16: a power of 2, halved where
 * gradients overflow, doubled after 2000 steps in a row in which they did not, as torch.amp.GradScaler has it.
 * https://arxiv.org/abs/1710.03740, section 3.2
 */
export class LossScale {
  #value = FIRST;
  #steps = 0;

  get value(): number {
    return this.#value;
  }

  /** After a step whose gradients were finite. */
  keep(): void {
    this.#steps += 1;
    if (this.#steps < STEPS_TO_GROW) return;
    this.#value *= 2;
    this.#steps = 0;
  }

  /** After an overflow. False where the scale is not the cause: then it stays. */
  shrink(): boolean {
    if (this.#value <= 1) return false;
    this.#value /= 2;
    this.#steps = 0;
    return true;
  }

  /** For a checkpoint. */
  state(): ReadonlyMap<string, RawTensor> {
    return new Map([[NAME, tensorOf(Float32Array.of(this.#value, this.#steps), [2])]]);
  }

  /** Goes on from a checkpoint's. */
  restore(state: ReadonlyMap<string, RawTensor>): void {
    const [value, steps] = floatsOf(state.get(NAME), NAME, 2);
    this.#value = value!;
    this.#steps = steps!;
  }
}
