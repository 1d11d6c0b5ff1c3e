import { type CliContext, exitCodes } from "../context.ts";
import { withExaminedFile, writeJson } from "../examine-file.ts";
import { explainStage } from "../explain-stage.ts";
import { stagesNamed } from "../stages-named.ts";
import { renderExplanation } from "../text/render-explanation.ts";

/** What `tunesmith why` takes. */
export interface WhyFlags {
  readonly set?: readonly string[];
  readonly setFile?: readonly string[];
  readonly device?: string;
  readonly json: boolean;
}

/**
 * Says why a stage would run, or why it would not: what changed, what it waits for, what follows. Of a matrix it says
 * so of each member. Exit code 0.
 */
export function why(
  context: CliContext,
  file: string,
  name: string,
  { set = [], setFile = [], device, json }: WhyFlags,
): Promise<number> {
  const flags = { set, setFile, device, named: [name] };
  return withExaminedFile(context, file, flags, async (view) => {
    const names = new Set(stagesNamed(view.pipeline, name));
    const stages = view.pipeline.stages.filter((stage) => names.has(stage.name));
    for (const [index, stage] of stages.entries()) {
      const explanation = await explainStage(view, stage);
      if (json) writeJson(context, explanation);
      else {
        const gap = index === 0 ? "" : "\n";
        context.stdout.write(`${gap}${renderExplanation(explanation, context.color)}`);
      }
    }
    return exitCodes.ok;
  });
}
