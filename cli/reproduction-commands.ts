import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { METRIC_TOLERANCE } from "../engine/build/compare-locks.ts";
import type { CliContext } from "./context.ts";
import { deviceOption } from "./device-option.ts";
import { fraction, positiveInteger } from "./option-values.ts";

type Exit = (code: number) => void;

/** Adds the commands that check and merge lockfiles. */
export function addReproductionCommands(program: Command, context: CliContext, exit: Exit): void {
  addVerify(program, context, exit);
  addLock(program, context, exit);
}

function addVerify(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("verify")
    .description("run locked stages again in a clean folder and compare them with the lockfile")
    .argument("<file>", "pipeline file, *.tune.yaml")
    .argument("[stages...]", "only these stages; what they read is taken as it was locked")
    .option(
      "--tolerance <share>",
      "how far metrics may be from the locked ones on a machine of another class",
      fraction,
      METRIC_TOLERANCE,
    )
    .option("--jobs <n>", "stages that work at once", positiveInteger, availableParallelism())
    .addOption(deviceOption())
    .option("--json", "one JSON object on stdout", false)
    .action(async (file, stages, flags) => {
      const { verify } = await import("./commands/verify.ts");
      exit(await verify(context, file, stages, flags));
    });
}

function addLock(program: Command, context: CliContext, exit: Exit): void {
  program
    .command("lock")
    .description("merge lockfiles of two branches; as git's merge driver: lock --merge %O %A %B")
    .requiredOption("--merge", "merge what both sides changed since the base into OURS")
    .argument("<base>", "lockfile that both sides come from; may be empty")
    .argument("<ours>", "one side; the result is written here")
    .argument("<theirs>", "the other side")
    .action(async (base, ours, theirs) => {
      const { mergeLocks } = await import("./commands/merge-locks.ts");
      exit(await mergeLocks(context, { base, ours, theirs }));
    });
}
