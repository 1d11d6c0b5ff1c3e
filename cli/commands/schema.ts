import { pipelineSchema } from "../../engine/pipeline/pipeline-schema.ts";
import { lockfileSchema } from "../../engine/validate-lockfile.ts";
import { type CliContext, exitCodes } from "../context.ts";

/** Prints the JSON Schema of pipeline files or of lockfiles. */
export async function schema(
  { stdout, kinds }: CliContext,
  subject: "pipeline" | "lockfile",
): Promise<number> {
  const printed = subject === "pipeline" ? pipelineSchema(kinds) : lockfileSchema;
  stdout.write(`${JSON.stringify(printed, null, 2)}\n`);
  return exitCodes.ok;
}
