import type { Task } from "../models/model.ts";

/** The tasks that stages train, evaluate and save. */
export const trainedTasks = [
  "sequence-classification",
  "token-classification",
  "masked-lm",
  "causal-lm",
] as const satisfies readonly Task[];

/** One of them. */
export type TrainedTask = (typeof trainedTasks)[number];
