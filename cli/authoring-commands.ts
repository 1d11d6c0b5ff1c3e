import { Argument, type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { setFileOption, setOption } from "./set-options.ts";

type Exit = (code: number) => void;

const pipelineFile = ["<file>", "pipeline file, *.tune.yaml"] as const;

/** Adds the commands that help to write a pipeline file; they read it and execute nothing. */
export function addAuthoringCommands(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("init")
    .description("write a starter pipeline to edit")
    .argument("[file]", "the new pipeline file", "pipeline.tune.yaml")
    .action(async (file) => {
      const { init } = await import("./commands/init.ts");
      exit(await init(context, file));
    });
  program
    .command("validate")
    .description("check a pipeline file: all that is wrong with it, with its place and what to do")
    .argument(...pipelineFile)
    .addOption(setOption)
    .addOption(setFileOption)
    .option("--json", "one diagnostic a line on stdout", false)
    .action(async (file, flags) => {
      const { validate } = await import("./commands/validate.ts");
      exit(await validate(context, file, flags));
    });
  program
    .command("config")
    .description("print every value of a pipeline with the file and line it comes from")
    .argument(...pipelineFile)
    .option("--resolved", "defaults, too", false)
    .addOption(setOption)
    .addOption(setFileOption)
    .option("--json", "one value a line on stdout", false)
    .action(async (file, flags) => {
      const { config } = await import("./commands/config.ts");
      exit(await config(context, file, flags));
    });
  program
    .command("graph")
    .description("draw a pipeline's stages")
    .argument(...pipelineFile)
    .addOption(
      new Option("--format <format>", "how").choices(["text", "mermaid", "json"]).default("text"),
    )
    .addOption(setOption)
    .addOption(setFileOption)
    .action(async (file, flags) => {
      const { graph } = await import("./commands/graph.ts");
      exit(await graph(context, file, flags));
    });
  program
    .command("schema")
    .description("print the JSON Schema of pipeline files, for editors, or of lockfiles")
    .addArgument(
      new Argument("[subject]", "of what").choices(["pipeline", "lockfile"]).default("pipeline"),
    )
    .action(async (subject) => {
      const { schema } = await import("./commands/schema.ts");
      exit(await schema(context, subject));
    });
}
