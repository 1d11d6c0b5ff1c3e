import { readConfig } from "../models/checkpoint.ts";
import { folderSource } from "../models/file-source.ts";
import { taskOf } from "../models/index.ts";
import { problemTypeOf } from "../models/labels.ts";
import { ModelError } from "../models/model-error.ts";
import { withModelErrors } from "./artifacts/model.ts";
import { type Learning, learningOf, trainedTasks } from "./trained-tasks.ts";

/** What the model of a Hugging Face folder has learnt, as its config.json says; where that names no task, a classifier is looked for. */
export async function savedLearning(folder: string): Promise<Learning> {
  return withModelErrors("The model cannot be used", async () => {
    const config = await readConfig(folderSource(folder));
    const named = taskNamed(() => taskOf(config)) ?? "sequence-classification";
    const task = trainedTasks.find((one) => one === named) ?? "sequence-classification";
    const isClassifier = task === "sequence-classification";
    return learningOf(task, isClassifier ? problemTypeOf(config) : undefined);
  });
}

function taskNamed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}
