import { type CliContext, exitCodes } from "../context.ts";
import { withExaminedFile, writeJson } from "../examine-file.ts";
import { explainStage } from "../explain-stage.ts";
import { renderExplanation } from "../text/render-explanation.ts";

/** Says why a stage would run, or why it would not: what changed, what it waits for, what follows. Exit code 0. */
export function why(
  context: CliContext,
  file: string,
  name: string,
  { json }: { readonly json: boolean },
): Promise<number> {
  return withExaminedFile(context, file, { named: [name] }, async (view) => {
    const stage = view.pipeline.stages.find((candidate) => candidate.name === name)!;
    const explanation = await explainStage(view, stage);
    if (json) writeJson(context, explanation);
    else context.stdout.write(renderExplanation(explanation, context.color));
    return exitCodes.ok;
  });
}
