import { mkdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { findProjectFolder } from "../../engine/pipeline/project-folder.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { reportProblem } from "../report-problem.ts";
import { starterData, starterPipeline } from "../starter-pipeline.ts";

const DEFAULT_FILE = "pipeline.tune.yaml";
const DATA = "data/messages.csv";
const SCHEMA = "node_modules/tunesmith/schema/pipeline.schema.json";

/** Writes a commented pipeline that validates, and rows for it to read. Files that are there stay as they are. */
export async function init(context: CliContext, file: string = DEFAULT_FILE): Promise<number> {
  const path = resolve(context.cwd, file);
  if (!/\.tune\.ya?ml$/.test(file)) {
    const stem = basename(file).replace(/(\.tune|\.ya?ml|\.tune\.ya?ml)$/, "");
    const message = `"${file}" is no name of a pipeline file.`;
    const hint = `pipeline files end in .tune.yaml: ${join(dirname(file), `${stem}.tune.yaml`)}`;
    reportProblem(context, { code: "invalid-file-name", message, hint });
    return exitCodes.usage;
  }
  const folder = dirname(path);
  const schema = join(await findProjectFolder(folder), SCHEMA);
  const name = nameOf(path);
  const pipeline = starterPipeline({ name, schema: pathFrom(folder, schema), data: DATA });
  if (!(await writeNew(context, path, pipeline))) return exitCodes.usage;
  const isDataNew = !(await exists(join(folder, DATA)));
  if (isDataNew) {
    await mkdir(dirname(join(folder, DATA)), { recursive: true });
    await writeFile(join(folder, DATA), starterData(), { flag: "wx" });
  }
  context.stdout.write(`wrote ${file}\n`);
  if (isDataNew) context.stdout.write(`wrote ${join(dirname(file), DATA)}\n`);
  context.stderr.write(
    `\nNext: tunesmith run ${file}\nThen put your own rows in, and change the stages.\n`,
  );
  return exitCodes.ok;
}

/** Creates a file, or reports why it was not created. */
async function writeNew(context: CliContext, path: string, text: string): Promise<boolean> {
  if (await exists(path)) {
    const message = `${pathFrom(context.cwd, path)} is there already; it stays as it is.`;
    const hint = "name another file: tunesmith init FILE.tune.yaml";
    reportProblem(context, { code: "file-exists", message, hint });
    return false;
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { flag: "wx" });
  return true;
}

/** The file's name as the name of a pipeline and of a folder. */
function nameOf(path: string): string {
  const name = basename(path).replace(/\.tune\.ya?ml$/, "");
  return name.replaceAll(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+/, "") || "pipeline";
}

function pathFrom(folder: string, path: string): string {
  const way = relative(folder, path).split(sep).join("/");
  return way.startsWith(".") ? way : `./${way}`;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
