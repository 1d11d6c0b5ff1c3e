/** The learning-rate schedules, as transformers names them (`lr_scheduler_type`). */
export const schedulerTypes = [
  "linear",
  "cosine",
  "cosine_with_restarts",
  "polynomial",
  "constant",
  "constant_with_warmup",
  "inverse_sqrt",
  "cosine_with_min_lr",
  "cosine_warmup_with_min_lr",
  "warmup_stable_decay",
  "reduce_lr_on_plateau",
  "greedy",
] as const;
export type SchedulerType = (typeof schedulerTypes)[number];

/** What some schedules need beside the rate, as transformers names it. */
export interface SchedulerKwargs {
  readonly num_cycles?: number;
  readonly lr_end?: number;
  readonly power?: number;
  readonly timescale?: number;
  readonly min_lr?: number;
  readonly min_lr_rate?: number;
  readonly warmup_lr_rate?: number;
  readonly num_decay_steps?: number;
  readonly num_stable_steps?: number;
  readonly warmup_type?: "linear" | "cosine" | "1-sqrt";
  readonly decay_type?: "linear" | "cosine" | "1-sqrt";
  readonly min_lr_ratio?: number;
  readonly mode?: "min" | "max";
  readonly factor?: number;
  readonly patience?: number;
  readonly threshold?: number;
  readonly threshold_mode?: "rel" | "abs";
  readonly cooldown?: number;
  readonly warmup?: number;
  readonly max_lr?: number;
  readonly eps?: number;
  readonly smooth?: boolean;
  readonly window_size?: number;
  readonly reset_start?: number;
}

const adaptive = [
  "mode",
  "factor",
  "patience",
  "threshold",
  "threshold_mode",
  "cooldown",
  "min_lr",
  "eps",
] as const;

/** The names of each schedule's own arguments; those in the first list, one of which it must have. */
export const schedulerKwargs: Readonly<
  Partial<Record<SchedulerType, readonly (readonly (keyof SchedulerKwargs)[])[]>>
> = {
  cosine: [[], ["num_cycles"]],
  cosine_with_restarts: [[], ["num_cycles"]],
  polynomial: [[], ["lr_end", "power"]],
  inverse_sqrt: [[], ["timescale"]],
  cosine_with_min_lr: [["min_lr", "min_lr_rate"], ["num_cycles"]],
  cosine_warmup_with_min_lr: [
    ["min_lr", "min_lr_rate"],
    ["num_cycles", "warmup_lr_rate"],
  ],
  warmup_stable_decay: [
    ["num_decay_steps"],
    ["num_stable_steps", "warmup_type", "decay_type", "min_lr_ratio", "num_cycles"],
  ],
  reduce_lr_on_plateau: [[], adaptive],
  greedy: [[], [...adaptive, "warmup", "max_lr", "smooth", "window_size", "reset_start"]],
};

/** What lr_scheduler_kwargs should be, where they are not what the schedule takes. */
export function kwargsProblem(given: {
  readonly lr_scheduler_type: SchedulerType;
  readonly lr_scheduler_kwargs?: SchedulerKwargs;
}): string | undefined {
  const { lr_scheduler_type: type, lr_scheduler_kwargs = {} } = given;
  const [needed = [], others = []] = schedulerKwargs[type] ?? [];
  const names = Object.keys(lr_scheduler_kwargs) as (keyof SchedulerKwargs)[];
  const unknown = names.filter((name) => !needed.includes(name) && !others.includes(name));
  const has = needed.filter((name) => names.includes(name));
  if (unknown.length === 0 && (needed.length === 0 || has.length === 1)) return undefined;
  const all = [...needed, ...others].join(", ");
  if (all === "") return `none: ${type} takes none`;
  return `${needed.length > 0 ? `${needed.join(" or ")}, ` : ""}of ${all} for ${type}`;
}
