import pc from "picocolors";
import type { Problem } from "../engine/diagnostic.ts";
import type { CliContext } from "./context.ts";

/** Prints an expected failure to stderr: what, what to do, and its code. */
export function reportProblem(
  context: Pick<CliContext, "stderr" | "color">,
  problem: Problem,
): void {
  const { red, dim } = pc.createColors(context.color);
  const hint = problem.hint === undefined ? "" : `    hint: ${problem.hint}\n`;
  context.stderr.write(
    `${red("✘")} ${problem.message}\n${hint}${dim(`    code: ${problem.code}`)}\n`,
  );
}
