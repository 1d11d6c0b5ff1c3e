import type { SchedulerKwargs } from "./scheduler-kwargs.ts";

/** The schedules that follow the evaluations: their rate stays until one of these changes it. */
export type AdaptiveSchedule = "reduce_lr_on_plateau" | "greedy";

/** Whether the rate of a schedule follows the evaluations. */
export function isAdaptive(type: string): type is AdaptiveSchedule {
  return type === "reduce_lr_on_plateau" || type === "greedy";
}

/**
 * The learning rate after evaluations with these values, in their order.
 * https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html and, for greedy,
 * https://arxiv.org/abs/2512.14527 with the defaults of transformers' GreedyLR.
 */
export function adaptedRate(
  type: AdaptiveSchedule,
  values: readonly number[],
  { peak, kwargs }: { peak: number; kwargs: SchedulerKwargs },
): number {
  return type === "greedy" ? greedyRate(values, peak, kwargs) : plateauRate(values, peak, kwargs);
}

/** Lowers the rate when `patience` evaluations in a row were no better than the best. */
function plateauRate(values: readonly number[], peak: number, kwargs: SchedulerKwargs): number {
  const { factor = 0.1, patience = 10, cooldown = 0, min_lr = 0, eps = 1e-8 } = kwargs;
  const isBetter = comparison({ threshold: 1e-4, threshold_mode: "rel", ...kwargs });
  let [rate, best, bad, cooling] = [peak, worst(kwargs), 0, 0];
  for (const value of values) {
    const better = isBetter(value, best);
    if (better) best = value;
    bad = better || cooling > 0 ? 0 : bad + 1;
    if (cooling > 0) cooling -= 1;
    if (bad <= patience) continue;
    const lower = Math.max(rate * factor, min_lr);
    if (rate - lower > eps) rate = lower;
    cooling = cooldown;
    bad = 0;
  }
  return rate;
}

/** Lowers the rate after evaluations in a row that were no better, and raises it after as many that were. */
function greedyRate(values: readonly number[], peak: number, kwargs: SchedulerKwargs): number {
  const { factor = 0.95, patience = 10, cooldown = 0, warmup = 0, eps = 1e-8 } = kwargs;
  const { min_lr = 1e-3, max_lr = 1, smooth = false, window_size = 50, reset_start = 500 } = kwargs;
  const isBetter = comparison({ threshold: 1e-6, threshold_mode: "abs", ...kwargs });
  const start = () => ({ rate: peak, best: worst(kwargs), good: 0, bad: 0, waits: 0 });
  let course = start();
  let [resets, average] = [reset_start, smooth ? slidingMean(window_size) : undefined];
  for (const given of values) {
    const value = average?.(given) ?? given;
    if (course.waits > 0) {
      course = { ...course, waits: course.waits - 1, good: 0, bad: 0 };
      continue;
    }
    const better = isBetter(value, course.best);
    if (better) course.best = value;
    course.good = better ? course.good + 1 : 0;
    course.bad = better ? 0 : course.bad + 1;
    if (course.good > patience) {
      const higher = Math.min(course.rate / factor, max_lr);
      if (higher - course.rate > eps) course.rate = higher;
      resets = reset_start;
      course = { ...course, waits: warmup, good: 0 };
    } else if (course.bad > patience) {
      const lower = Math.max(course.rate * factor, min_lr);
      if (course.rate - lower > eps) course.rate = lower;
      course = { ...course, waits: cooldown, bad: 0 };
      if (course.rate > min_lr || --resets > 0) continue;
      // It has been at its lowest for long enough to begin anew.
      [course, resets] = [{ ...start(), waits: cooldown }, reset_start];
      average = smooth ? slidingMean(window_size) : undefined;
    }
  }
  return course.rate;
}

type Comparison = Pick<SchedulerKwargs, "mode"> &
  Required<Pick<SchedulerKwargs, "threshold" | "threshold_mode">>;

function comparison({ mode = "min", threshold, threshold_mode }: Comparison) {
  const sign = mode === "min" ? -1 : 1;
  return (value: number, best: number) => {
    const bound =
      threshold_mode === "rel" ? best * (1 + sign * threshold) : best + sign * threshold;
    return mode === "min" ? value < bound : value > bound;
  };
}

function worst({ mode = "min" }: SchedulerKwargs): number {
  return mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

/** Adds and takes away, as transformers does, so that it rounds like it. */
function slidingMean(size: number): (value: number) => number {
  const held: number[] = [];
  let sum = 0;
  return (value) => {
    held.push(value);
    sum += value;
    if (held.length > size) sum -= held.shift()!;
    return sum / held.length;
  };
}
