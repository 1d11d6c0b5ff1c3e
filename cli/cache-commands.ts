import { type Command, InvalidArgumentError } from "commander";
import type { CliContext } from "./context.ts";
import { parseBytes, parseDays } from "./text/parse-quantity.ts";

type Exit = (code: number) => void;

const project = ["--project <folder>", "project folder; default: found from here upwards"] as const;
const jsonFlag = ["--json", "one JSON object on stdout", false] as const;

/** Adds the commands that look at the cache, check it and keep it small. */
export function addCacheCommands(program: Command, context: CliContext, exit: Exit): void {
  const cache = program
    .command("cache")
    .description("look at the cache, check it, keep it small, share it");
  addLs(cache, context, exit);
  addVerify(cache, context, exit);
  addGc(cache, context, exit);
  addRemote(cache, context, exit);
}

function addLs(cache: Command, context: CliContext, exit: Exit): void {
  cache
    .command("ls")
    .description("results by pipeline and stage, with size and last use")
    .option(...project)
    .option("--json", "one JSON object a line on stdout", false)
    .action(async (flags) => {
      const { listCache } = await import("./commands/cache-ls.ts");
      exit(await listCache(context, flags));
    });
}

function addVerify(cache: Command, context: CliContext, exit: Exit): void {
  cache
    .command("verify")
    .description(
      "read and check every file of the cache; exit code bits: 1 corrupt, 2 untrusted, 4 other",
    )
    .option(...project)
    .option(...jsonFlag)
    .action(async (flags) => {
      const { verify } = await import("./commands/cache-verify.ts");
      exit(await verify(context, flags));
    });
}

function addGc(cache: Command, context: CliContext, exit: Exit): void {
  cache
    .command("gc")
    .description("remove what was not used for longest, until the cache is within its limits")
    .option(...project)
    .option("--max-size <size>", "as 20GB; default: TUNESMITH_CACHE_LIMIT, else 20GB", bytesFrom)
    .option("--max-age <age>", "also what nobody used for so long, as 30d or 12h", daysFrom)
    .option("--dry-run", "only say what would be removed", false)
    .option(...jsonFlag)
    .action(async (flags) => {
      const { collect } = await import("./commands/cache-gc.ts");
      exit(await collect(context, flags));
    });
}

function addRemote(cache: Command, context: CliContext, exit: Exit): void {
  const pipelineFile = ["<file>", "pipeline file, *.tune.yaml"] as const;
  cache
    .command("keys")
    .description("make a key that signs results for a remote cache")
    .argument("<file>", "new file for the private half; the public half is printed")
    .action(async (file) => {
      const { createKeys } = await import("./commands/cache-keys.ts");
      exit(await createKeys(context, file));
    });
  cache
    .command("push")
    .description("put what a pipeline's lockfile names into the remote cache")
    .argument(...pipelineFile)
    .action(async (file) => {
      const { push } = await import("./commands/cache-remote.ts");
      exit(await push(context, file));
    });
  cache
    .command("pull")
    .description("fetch what a pipeline's lockfile names from the remote cache")
    .argument(...pipelineFile)
    .action(async (file) => {
      const { pull } = await import("./commands/cache-remote.ts");
      exit(await pull(context, file));
    });
}

function bytesFrom(text: string): number {
  return parseBytes(text) ?? invalid("It must be a size, as 500MB or 20GB.");
}

function daysFrom(text: string): number {
  return parseDays(text) ?? invalid("It must be a time, as 12h or 30d.");
}

function invalid(message: string): never {
  throw new InvalidArgumentError(message);
}
