import type { ParamsProblem } from "../engine/stage.ts";

/** The files of a checkpoint's folder that count: changing another one re-runs nothing. */
export const CHECKPOINT_FILES = ["config.json", "*.safetensors", "model.safetensors.index.json"];

/** Whether the param `model` names a folder. */
export function isFolder(model: unknown): model is string {
  return typeof model === "string" && !model.startsWith("hub:");
}

/** A stage of this kind has one model: the param or the port; `orElse` ends the hint where it has none. */
export function oneModelProblems(
  kind: string,
  { hasParam, hasPort, orElse = "" }: { hasParam: boolean; hasPort: boolean; orElse?: string },
): ParamsProblem[] {
  if (hasParam !== hasPort) return [];
  return [
    {
      at: hasParam ? ["model"] : [],
      code: hasParam ? "two-models" : "no-model",
      message: hasParam
        ? `${kind} has a model twice: the param \`model\` and the input \`model\`.`
        : `${kind} has no model to start from.`,
      hint: hasParam
        ? "leave one of them out"
        : `set \`model\` to a checkpoint's folder${orElse}, or connect the input \`model\``,
    },
  ];
}

/** Models come from folders. */
export function hubProblems(model: unknown): ParamsProblem[] {
  if (typeof model !== "string" || !model.startsWith("hub:")) return [];
  const name = model.slice("hub:".length) || "owner/name";
  return [
    {
      at: ["model"],
      code: "hub-not-supported",
      message: `Models cannot be fetched from a hub yet: "${model}".`,
      hint: `download ${name} (config.json, model.safetensors, tokenizer.json) into a folder, and give its path`,
    },
  ];
}
