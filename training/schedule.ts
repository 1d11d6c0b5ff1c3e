import { type AdaptiveSchedule, adaptedRate, isAdaptive } from "./adaptive-rate.ts";
import type { SchedulerKwargs, SchedulerType } from "./scheduler-kwargs.ts";
import type { TrainingArguments } from "./training-arguments.ts";

/** The schedules whose rate at a step is the same however many steps come after it. */
export const steadySchedules: readonly SchedulerType[] = [
  "constant",
  "constant_with_warmup",
  "inverse_sqrt",
  "reduce_lr_on_plateau",
  "greedy",
];
/** Those that have no warm-up, in transformers either. */
const withoutWarmup: readonly SchedulerType[] = ["constant", "reduce_lr_on_plateau", "greedy"];

type ScheduleArguments = Pick<
  TrainingArguments,
  "learning_rate" | "lr_scheduler_type" | "warmup_steps" | "warmup_ratio"
> &
  Partial<Pick<TrainingArguments, "lr_scheduler_kwargs" | "metric_for_best_model">>;

/** Metrics by the number of steps after which they were measured. */
export type Evaluations = ReadonlyMap<number, Readonly<Record<string, number>>>;

/** Steps of warm-up: those given, or a share of all steps, rounded up as transformers does. */
export function warmupSteps(given: ScheduleArguments, totalSteps: number): number {
  if (given.warmup_steps >= 1) return given.warmup_steps;
  return Math.ceil(totalSteps * (given.warmup_steps > 0 ? given.warmup_steps : given.warmup_ratio));
}

/** Whether the warm-up is given as a share of all steps. */
export function hasWarmupShare(given: ScheduleArguments): boolean {
  if (withoutWarmup.includes(given.lr_scheduler_type) || given.warmup_steps >= 1) return false;
  return given.warmup_steps > 0 || given.warmup_ratio > 0;
}

/** Whether the rate at a step depends on the number of all steps: then no longer training can go on from this one. */
export function looksAhead(given: ScheduleArguments): boolean {
  return !steadySchedules.includes(given.lr_scheduler_type) || hasWarmupShare(given);
}

/** The number of steps after which warmup_stable_decay decays; undefined for other schedules. */
export function decayStart(totalSteps: number, given: ScheduleArguments): number | undefined {
  if (given.lr_scheduler_type !== "warmup_stable_decay") return undefined;
  const { num_stable_steps, num_decay_steps = 0 } = given.lr_scheduler_kwargs ?? {};
  if (num_stable_steps !== undefined) return warmupSteps(given, totalSteps) + num_stable_steps;
  return totalSteps - num_decay_steps;
}

/**
 * The learning rate of the optimizer step with number `step` (from 0) of `totalSteps`, after these evaluations, which
 * some schedules follow.
 * https://github.com/huggingface/transformers/blob/main/src/transformers/optimization.py
 */
export function learningRateAt(
  step: number,
  totalSteps: number,
  given: ScheduleArguments,
  evaluations: Evaluations = new Map(),
): number {
  const { learning_rate: peak, lr_scheduler_type: type, lr_scheduler_kwargs: kwargs = {} } = given;
  if (type === "constant") return peak;
  if (isAdaptive(type)) {
    const metric = (given.metric_for_best_model ?? "loss").replace(/^eval_/, "");
    const before = [...evaluations].filter(([at]) => at > 0 && at <= step);
    before.sort(([a], [b]) => a - b);
    const values = before.map(([, metrics]) => metrics[metric] ?? Number.NaN);
    return adaptedRate(type, values, { peak, kwargs });
  }
  const warmup = warmupSteps(given, totalSteps);
  return peak * factors[type]({ step, warmup, total: totalSteps, peak, kwargs });
}

/** Where a step stands, and what else a schedule depends on. */
interface Moment {
  readonly step: number;
  readonly warmup: number;
  readonly total: number;
  readonly peak: number;
  readonly kwargs: SchedulerKwargs;
}

type Factor = (moment: Moment) => number;

/** What the highest rate is multiplied by. */
const factors: Readonly<Record<Exclude<SchedulerType, "constant" | AdaptiveSchedule>, Factor>> = {
  constant_with_warmup: warmed(() => 1),
  linear: warmed(({ step, warmup, total }) =>
    Math.max(0, (total - step) / Math.max(1, total - warmup)),
  ),
  cosine: warmed((m) => Math.max(0, wave(progress(m), m.kwargs.num_cycles ?? 0.5))),
  cosine_with_restarts: warmed((m) => {
    const done = progress(m);
    const { num_cycles = 1 } = m.kwargs;
    return done >= 1 ? 0 : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * ((num_cycles * done) % 1))));
  }),
  polynomial: warmed(({ step, warmup, total, peak, kwargs: { lr_end = 1e-7, power = 1 } }) => {
    if (step > total) return lr_end / peak;
    const left = 1 - (step - warmup) / (total - warmup);
    return ((peak - lr_end) * left ** power + lr_end) / peak;
  }),
  inverse_sqrt: warmed(({ step, warmup, kwargs: { timescale = warmup || 10_000 } }) => {
    return 1 / Math.sqrt((step + (timescale - warmup)) / timescale);
  }),
  cosine_with_min_lr: warmed((m) =>
    Math.max(0, above(wave(progress(m), m.kwargs.num_cycles ?? 0.5), lowestShare(m))),
  ),
  cosine_warmup_with_min_lr(m) {
    const { step, warmup, total, kwargs } = m;
    const { warmup_lr_rate: first, num_cycles = 0.5 } = kwargs;
    if (step < warmup)
      return first === undefined
        ? (step + 1) / Math.max(1, warmup)
        : first + ((1 - first) * step) / Math.max(1, warmup - 1);
    const done = (step - warmup + 1) / Math.max(1, total - warmup);
    return Math.max(0, above(wave(done, num_cycles), lowestShare(m)));
  },
  warmup_stable_decay: warmupStableDecay,
};

function warmupStableDecay({ step, warmup, total, kwargs }: Moment): number {
  const { num_decay_steps = 0, warmup_type = "linear", decay_type = "cosine" } = kwargs;
  const { min_lr_ratio = 0, num_cycles = 0.5 } = kwargs;
  if (step < warmup) {
    const done = step / Math.max(1, warmup);
    const risen = {
      linear: done,
      cosine: 0.5 * (1 - Math.cos(Math.PI * done)),
      "1-sqrt": 1 - Math.sqrt(1 - done),
    };
    return Math.max(0, above(risen[warmup_type], min_lr_ratio));
  }
  const stable = kwargs.num_stable_steps ?? total - warmup - num_decay_steps;
  if (step < warmup + stable) return 1;
  if (step >= warmup + stable + num_decay_steps) return min_lr_ratio;
  const done = (step - warmup - stable) / Math.max(1, num_decay_steps);
  const left = { linear: 1 - done, cosine: wave(done, num_cycles), "1-sqrt": 1 - Math.sqrt(done) };
  return Math.max(0, above(left[decay_type], min_lr_ratio));
}

/** A factor that rises from 0 in the steps of the warm-up. */
function warmed(after: Factor): Factor {
  return (moment) =>
    moment.step < moment.warmup ? moment.step / Math.max(1, moment.warmup) : after(moment);
}

function progress({ step, warmup, total }: Moment): number {
  return (step - warmup) / Math.max(1, total - warmup);
}

function wave(done: number, cycles: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * done));
}

/** A factor from 0 to 1, moved to lie above the lowest one. */
function above(factor: number, lowest: number): number {
  return factor * (1 - lowest) + lowest;
}

function lowestShare({ peak, kwargs: { min_lr, min_lr_rate = 0 } }: Moment): number {
  return min_lr === undefined ? min_lr_rate : min_lr / peak;
}
