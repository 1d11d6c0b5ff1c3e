const positive = { type: "number", exclusiveMinimum: 0, maximum: 1e9 } as const;
const share = { type: "number", minimum: 0, maximum: 1 } as const;
const steps = { type: "integer", minimum: 0, maximum: 1_000_000_000 } as const;
const shape = { type: "string", enum: ["linear", "cosine", "1-sqrt"] } as const;

/** What reduce_lr_on_plateau and greedy take: they follow metric_for_best_model. */
const adaptiveProperties = {
  mode: {
    description: "Whether reduce_lr_on_plateau and greedy want a metric low or high; default min.",
    type: "string",
    enum: ["min", "max"],
  },
  factor: {
    description: "What their rate is multiplied by (or divided); default 0.1, of greedy 0.95.",
    type: "number",
    exclusiveMinimum: 0,
    exclusiveMaximum: 1,
  },
  patience: { ...steps, description: "Evaluations in a row they wait for; default 10." },
  threshold: {
    description: "By how much a metric must be better; default 1e-4, of greedy 1e-6.",
    type: "number",
    minimum: 0,
    maximum: 1e9,
  },
  threshold_mode: {
    description: "Whether that is a share of the best; default rel, of greedy abs.",
    type: "string",
    enum: ["rel", "abs"],
  },
  cooldown: {
    ...steps,
    description: "Evaluations without a change after a lower rate; default 0.",
  },
  warmup: { ...steps, description: "The same after greedy's higher rate; default 0." },
  max_lr: { ...positive, description: "Greedy's highest rate; default 1." },
  eps: {
    description: "Changes of the rate that are no larger are left out; default 1e-8.",
    type: "number",
    minimum: 0,
    maximum: 1,
  },
  smooth: { description: "Whether greedy follows the metric's mean; default no.", type: "boolean" },
  window_size: { ...steps, minimum: 1, description: "Evaluations in that mean; default 50." },
  reset_start: {
    ...steps,
    minimum: 1,
    description: "How often greedy stays at min_lr before it begins anew; default 500.",
  },
} as const;

/** JSON Schema of lr_scheduler_kwargs: what transformers' schedules take beside the rate and the warm-up. */
export const schedulerKwargsSchema = {
  description:
    "What the schedule takes beside the warm-up, as in transformers: warmup_stable_decay needs num_decay_steps, cosine_with_min_lr needs min_lr or min_lr_rate.",
  type: "object",
  properties: {
    num_cycles: {
      ...positive,
      description: "Waves of a cosine; default 0.5. Restarts of cosine_with_restarts; default 1.",
    },
    lr_end: {
      description: "Where polynomial ends; default 1e-7.",
      type: "number",
      minimum: 0,
      maximum: 100,
    },
    power: { ...positive, description: "The exponent of polynomial; default 1." },
    timescale: {
      ...positive,
      description: "Steps in which inverse_sqrt falls to 0.71; default the warm-up, or 10000.",
    },
    min_lr: {
      description:
        "The lowest learning rate of the cosine_…_min_lr schedules, of reduce_lr_on_plateau (default 0) and greedy (default 0.001).",
      type: "number",
      minimum: 0,
      maximum: 100,
    },
    min_lr_rate: { ...share, description: "The same as a share of learning_rate." },
    warmup_lr_rate: {
      ...share,
      description: "The share of learning_rate that cosine_warmup_with_min_lr starts with.",
    },
    num_decay_steps: { ...steps, description: "Steps of warmup_stable_decay's decay." },
    num_stable_steps: {
      ...steps,
      description: "Steps of its stable phase; without it all that warm-up and decay leave.",
    },
    warmup_type: { ...shape, description: "The shape of its warm-up; default linear." },
    decay_type: { ...shape, description: "The shape of its decay; default cosine." },
    min_lr_ratio: { ...share, description: "Its lowest share of learning_rate; default 0." },
    ...adaptiveProperties,
  },
  additionalProperties: false,
  examples: [{ num_decay_steps: 100 }],
} as const;
