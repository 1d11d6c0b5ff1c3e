import type { TensorFlow } from "./tfjs-operations.ts";

let last: Promise<unknown> = Promise.resolve();

/**
 * Works with a backend of TensorFlow.js, which has one at a time for the whole process, and is for a while between
 * two when it starts another: so each piece of work waits for the one before it.
 */
export function withBackend<Result>(
  { tf, backend }: { readonly tf: TensorFlow; readonly backend: string },
  work: () => Result,
): Promise<Result> {
  const turn = async () => {
    if (tf.getBackend() !== backend && !(await tf.setBackend(backend)))
      throw new Error(`the backend "${backend}" did not start`);
    return work();
  };
  const result = last.then(turn);
  last = result.catch(() => {});
  return result;
}
