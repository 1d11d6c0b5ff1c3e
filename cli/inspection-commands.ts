import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext } from "./context.ts";

type Exit = (code: number) => void;

/** Adds the commands that look at a pipeline and its results, and execute nothing. */
export function addInspectionCommands(program: Command, context: CliContext, exit: Exit): void {
  addPlan(program, context, exit);
  addStatus(program, context, exit);
  addWhy(program, context, exit);
  addShow(program, context, exit);
  addExport(program, context, exit);
  addDoctor(program, context, exit);
}

const pipelineFile = ["<file>", "pipeline file, *.tune.yaml"] as const;
const jsonFlag = ["--json", "one JSON object on stdout", false] as const;

function addPlan(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("plan")
    .description("what a run would execute, why, and how long that takes")
    .argument(...pipelineFile)
    .argument("[stages...]", "only these stages and what they need")
    .option(
      "--set <path=value>",
      "change a value of the file: stages.train.with.learning_rate=3e-5",
      (value: string, previous: readonly string[]) => [...previous, value],
      [],
    )
    .option(...jsonFlag)
    .action(async (file, targets, flags) => {
      const { plan } = await import("./commands/plan.ts");
      exit(await plan(context, file, targets, flags));
    });
}

function addStatus(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("status")
    .description("what changed since the lockfile: stages, sources, saved folders")
    .argument(...pipelineFile)
    .option(...jsonFlag)
    .action(async (file, flags) => {
      const { status } = await import("./commands/status.ts");
      exit(await status(context, file, flags));
    });
}

function addWhy(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("why")
    .description("why a stage would run, or why it would not")
    .argument(...pipelineFile)
    .argument("<stage>", "stage of the file")
    .option(...jsonFlag)
    .action(async (file, stage, flags) => {
      const { why } = await import("./commands/why.ts");
      exit(await why(context, file, stage, flags));
    });
}

function addShow(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("show")
    .description("the last runs, or a stage's params, outputs, metrics, reports and log")
    .argument(...pipelineFile)
    .argument("[stage]", "stage of the file")
    .option(...jsonFlag)
    .addOption(
      new Option("--log", "the whole log of the stage's last execution")
        .default(false)
        .conflicts("json"),
    )
    .action(async (file, stage, flags) => {
      const { show } = await import("./commands/show.ts");
      exit(await show(context, file, stage, flags));
    });
}

function addExport(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("export")
    .description("copy an up-to-date stage's output files into a folder")
    .argument(...pipelineFile)
    .argument("<output>", "stage, stage.port or stage.port.split")
    .argument("<folder>", "folder to write: empty, or not there yet")
    .option(
      "--force",
      "write into a folder that holds other files, replacing those of equal names",
      false,
    )
    .option(...jsonFlag)
    .action(async (file, output, folder, flags) => {
      const { exportOutput } = await import("./commands/export.ts");
      exit(await exportOutput(context, { file, output, folder }, flags));
    });
}

function addDoctor(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("doctor")
    .description("what this machine offers, and whether all that is needed works")
    .option(...jsonFlag)
    .action(async (flags) => {
      const { doctor } = await import("./commands/doctor.ts");
      exit(await doctor(context, flags));
    });
}
