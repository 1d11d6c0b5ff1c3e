import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext } from "./context.ts";
import { deviceOption } from "./device-option.ts";
import { collect, fraction, positiveInteger } from "./option-values.ts";
import { setFileOption, setOption } from "./set-options.ts";

type Exit = (code: number) => void;

/** Adds the commands that look at a pipeline and its results, and execute nothing. */
export function addInspectionCommands(program: Command, context: CliContext, exit: Exit): void {
  addPlan(program, context, exit);
  addStatus(program, context, exit);
  addWhy(program, context, exit);
  addShow(program, context, exit);
  addDiff(program, context, exit);
  addMetrics(program, context, exit);
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
    .addOption(setOption)
    .addOption(setFileOption)
    .addOption(deviceOption())
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
    .addOption(deviceOption())
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
    .argument("<stage>", "stage of the file, or a matrix: each of its members")
    .addOption(setOption)
    .addOption(setFileOption)
    .addOption(deviceOption())
    .option(...jsonFlag)
    .action(async (file, stage, flags) => {
      const { why } = await import("./commands/why.ts");
      exit(await why(context, file, stage, flags));
    });
}

function addShow(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("show")
    .description("the last runs, one run, or a stage's params, outputs, metrics, reports and log")
    .argument(...pipelineFile)
    .argument("[name]", "stage of the file, a matrix, or a run: last, last~1, its name")
    .addOption(deviceOption())
    .option(...jsonFlag)
    .addOption(
      new Option("--log", "the whole log of the stage's last execution")
        .default(false)
        .conflicts("json"),
    )
    .option(
      "--neighbours <text>",
      "of an embed stage: the rows nearest to a row, by its id, or to a text",
    )
    .option(
      "--near-duplicates <cosine>",
      "of an embed stage: the pairs of rows that are at least so near",
      fraction,
    )
    .option("-k, --top-k <n>", "how many neighbours or pairs", positiveInteger, 5)
    .action(async (file, stage, flags) => {
      if (flags.neighbours !== undefined) {
        const { showNeighbours } = await import("./commands/show-neighbours.ts");
        return exit(
          await showNeighbours(
            context,
            { file, stage, device: flags.device, of: flags.neighbours },
            flags,
          ),
        );
      }
      if (flags.nearDuplicates !== undefined) {
        const { showNearDuplicates } = await import("./commands/show-near-duplicates.ts");
        const least = flags.nearDuplicates;
        return exit(
          await showNearDuplicates(context, { file, stage, device: flags.device, least }, flags),
        );
      }
      const { show } = await import("./commands/show.ts");
      exit(await show(context, file, stage, flags));
    });
}

function addDiff(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("diff")
    .description("what two runs did differently: params, inputs and metrics")
    .argument(...pipelineFile)
    .argument("[from]", "run: last, last~1, or its name in `show`", "last~1")
    .argument("[to]", "run", "last")
    .option(...jsonFlag)
    .action(async (file, from, to, flags) => {
      const { diff } = await import("./commands/diff.ts");
      exit(await diff(context, file, { from, to }, flags));
    });
}

function addMetrics(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("metrics")
    .description("metrics over the last runs and the members of matrices, each result once")
    .argument(...pipelineFile)
    .argument("[stages...]", "stages, or a matrix's name; default: those that evaluate")
    .option("--steps", "each step and evaluation of one stage's training, as JSON lines", false)
    .option("--runs <n>", "how many of the last runs", positiveInteger, 20)
    .option("--sort <metric>", "sort by a metric, largest first")
    .option("--ascending", "smallest first", false)
    .option("--filter <condition>", "only results that meet it: 'accuracy>=0.7'", collect, [])
    .addOption(new Option("--csv", "CSV on stdout").default(false).conflicts("json"))
    .addOption(deviceOption())
    .option(...jsonFlag)
    .action(async (file, stages, flags) => {
      if (flags.steps) {
        const { stepMetrics } = await import("./commands/step-metrics.ts");
        return exit(await stepMetrics(context, file, stages, flags));
      }
      const { metrics } = await import("./commands/metrics.ts");
      exit(await metrics(context, file, stages, flags));
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
    .addOption(deviceOption())
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
