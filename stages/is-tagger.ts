import { readConfig } from "../models/checkpoint.ts";
import { folderSource } from "../models/file-source.ts";
import { withModelErrors } from "./artifacts/model.ts";

/** Whether the model of a Hugging Face folder tags words: what `architectures` in its config.json says. */
export async function isTagger(folder: string): Promise<boolean> {
  const { architectures } = await withModelErrors("The model cannot be used", () =>
    readConfig(folderSource(folder)),
  );
  return Array.isArray(architectures) && /ForTokenClassification$/.test(String(architectures[0]));
}
