#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { stages } from "../stages/index.ts";
import { addAuthoringCommands } from "./authoring-commands.ts";
import { addCacheCommands } from "./cache-commands.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { deviceOption } from "./device-option.ts";
import { addInspectionCommands } from "./inspection-commands.ts";
import { fraction, positiveInteger, positiveNumber } from "./option-values.ts";
import { addReproductionCommands } from "./reproduction-commands.ts";
import { setFileOption, setOption } from "./set-options.ts";

/** The composition root: reads the process's environment, wires the commands, and sets the exit code. */
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // A second Ctrl-C means now.
    if (interruption.signal.aborted) process.exit(exitCodes.interrupted);
    interruption.abort(signal);
  });
}
// A reader such as `head` may close the pipe early; that is its right.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.ok);
  });
}
process.exitCode = await main(process.argv.slice(2), contextOfProcess());

function contextOfProcess(): CliContext {
  const { env, stdin, stdout, stderr } = process;
  const isDumb = env.TERM === "dumb";
  const isTerminal = Boolean(stdout.isTTY && stderr.isTTY);
  const isForced = Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== "0";
  return {
    cwd: process.cwd(),
    environment: env,
    stdin,
    stdout,
    stderr,
    color: !env.NO_COLOR && (isForced || (isTerminal && !isDumb)),
    interactive: isTerminal && !isDumb && !env.CI,
    get columns() {
      return Number(env.COLUMNS) || stderr.columns || 80;
    },
    kinds: stages,
    version: versionOfTunesmith(),
    hostModule: fileURLToPath(
      new URL(import.meta.url.endsWith(".ts") ? "host.ts" : "host.js", import.meta.url),
    ),
    signal: interruption.signal,
  };
}

/** From the package.json above: one folder up in the sources, two in `dist`. */
function versionOfTunesmith(): string {
  const path = import.meta.url.endsWith(".ts") ? "../package.json" : "../../package.json";
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")).version;
}

/** Runs one command line and resolves to its exit code. Commands load when they are called: the first output comes soon. */
async function main(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    throw error;
  }
}

function createProgram(context: CliContext, exit: (code: number) => void): Command {
  const program = new Command("tunesmith")
    .description(
      "Declarative fine-tuning of language models: YAML pipelines, content-hashed caching, lockfiles.",
    )
    .version(context.version)
    .exitOverride()
    .showHelpAfterError("(add --help for what it takes)");
  addAuthoringCommands(program, context, exit);
  addRunCommand(program, context, exit);
  addInspectionCommands(program, context, exit);
  addReproductionCommands(program, context, exit);
  addCacheCommands(program, context, exit);
  addPredictCommand(program, context, exit);
  addGenerateCommand(program, context, exit);
  return program;
}

function addRunCommand(program: Command, context: CliContext, exit: (code: number) => void): void {
  program
    .command("run")
    .description("bring a pipeline's stages up to date: only what changed is executed")
    .argument("<file>", "pipeline file, *.tune.yaml")
    .argument("[stages...]", "only these stages and what they need")
    .option(
      "--frozen",
      "reproduce the lockfile: never write it, exit 4 where it would change",
      false,
    )
    .option("--force [stage]", "execute even what is up to date: all targets, or one stage", false)
    .option("--jobs <n>", "stages that work at once", positiveInteger, availableParallelism())
    .option("--keep-going", "after a failure, go on with stages that do not depend on it", false)
    .option("--paranoid", "hash every file again, whatever its times say", false)
    .addOption(setOption)
    .addOption(setFileOption)
    .addOption(deviceOption())
    .option("--watch", "run again after each saved change of what the pipeline reads", false)
    .option("--json", "events as NDJSON on stdout", false)
    .action(async (file, targets, flags) => {
      const { run } = await import("./commands/run.ts");
      if (!flags.watch) return exit(await run(context, file, targets, flags));
      const { watch } = await import("./commands/watch.ts");
      // What is forced has run once; after a change only what it concerns runs.
      const runAgain = (isFirst: boolean) =>
        run(context, file, targets, isFirst ? flags : { ...flags, force: false });
      exit(await watch(context, { file, settings: flags, run: runAgain }));
    });
}

function addGenerateCommand(
  program: Command,
  context: CliContext,
  exit: (code: number) => void,
): void {
  program
    .command("generate")
    .description("go on with texts, answer or translate them, with a saved model that writes")
    .argument("<folder>", "folder that a save stage wrote")
    .argument("<prompts...>", "the beginnings of texts")
    .option("--max-new-tokens <n>", "tokens that are added at most", positiveInteger, 50)
    .option("--num-beams <n>", "texts that are written side by side", positiveInteger, 1)
    .option("--sample", "draw tokens, instead of the likeliest", false)
    .option("--temperature <x>", "when drawing: less is nearer to the likeliest", positiveNumber, 1)
    .option("--top-k <n>", "when drawing: from so many tokens", positiveInteger, 50)
    .option("--top-p <share>", "when drawing: from this share of probability", fraction, 1)
    .option("--repetition-penalty <x>", "above 1: repeat less", positiveNumber, 1)
    .option("--seed <n>", "of what is drawn", positiveInteger, 42)
    .option("--stop <texts...>", "end before one of these")
    .option("--chat", "prompts are messages to an assistant, by the model's chat template", false)
    .option("--system <text>", "with --chat: what the system says first")
    .addOption(deviceOption())
    .option("--json", "one JSON object a text on stdout", false)
    .action(async (folder, prompts, flags) => {
      const { generate } = await import("./commands/generate.ts");
      exit(await generate(context, folder, prompts, flags));
    });
}

function addPredictCommand(
  program: Command,
  context: CliContext,
  exit: (code: number) => void,
): void {
  program
    .command("predict")
    .description("classify or rate texts, tag their words, or answer questions, with a saved model")
    .argument("<folder>", "folder that a save stage wrote")
    .argument("[texts...]", "texts, or questions; without them, lines of stdin")
    .option("--context <text>", "the text in which questions are answered")
    .option("--file <path>", "take the lines of a file")
    .option("--top-k <n>", "labels shown of each text", positiveInteger, 1)
    .addOption(deviceOption())
    .option("--json", "one JSON object a text on stdout", false)
    .action(async (folder, texts, flags) => {
      const { predict } = await import("./commands/predict.ts");
      exit(await predict(context, folder, texts, flags));
    });
}
