import { readdir, readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Program } from "acorn";
import { errnoOf } from "../../cache/cache-error.ts";
import type { SourceText } from "../diagnostic.ts";
import { didYouMean } from "../pipeline/did-you-mean.ts";
import { type Location, leavesProject } from "../pipeline/project-folder.ts";
import { quote, type Report } from "../pipeline/report.ts";
import type { Place } from "../pipeline/source-node.ts";
import { type FoundImport, findImports } from "./find-imports.ts";
import { parseModule } from "./parse-module.ts";

/** What reading the code of a user's own stages needs. */
export interface Reading {
  readonly location: Location;
  /** The pipeline file as the user wrote it: messages call modules by paths like it. */
  readonly shown: string;
  readonly report: Report;
}

/** A file that is wanted, and where it is named. */
export interface WantedModule {
  readonly absolute: string;
  readonly place: Place;
  readonly written: string;
}

/** One file of a user's own stage; without a tree where it is JSON, or has an error that is reported. */
export interface OwnModule {
  readonly absolute: string;
  readonly file: SourceText;
  readonly program: Program | undefined;
}

/** The files of a user's own stage, its own first, and the packages that they import. */
export interface OwnModules {
  readonly modules: readonly OwnModule[];
  readonly packages: ReadonlyMap<string, string>;
}

/** What the host provides. */
const PROVIDED = "tunesmith";

/**
 * Follows all imports from a stage's file on, in the order of their first mention; circles are fine. Reports what is
 * missing, lies outside of the project or cannot be followed. Nothing is executed.
 */
export async function readModules(entry: WantedModule, reading: Reading): Promise<OwnModules> {
  const modules = new Map<string, OwnModule | undefined>();
  const packages = new Map<string, string>();
  const queue = [entry];
  for (const next of queue) {
    if (modules.has(next.absolute)) continue;
    const module = await readModule(next, reading);
    modules.set(next.absolute, module);
    if (module?.program === undefined) continue;
    for (const found of findImports(module.program, module.file, reading.report)) {
      const { specifier } = found;
      if (specifier === PROVIDED || isBuiltin(specifier)) continue;
      if (isRelative(specifier)) {
        const path = resolve(dirname(module.absolute), specifier);
        queue.push({ absolute: path, place: found.place, written: specifier });
      } else await readPackage(found, module, packages, reading);
    }
  }
  return { modules: [...modules.values()].filter((module) => module !== undefined), packages };
}

function isRelative(specifier: string): boolean {
  return /^\.{1,2}(\/|$)/.test(specifier);
}

async function readModule(
  { absolute, place, written }: WantedModule,
  { location, shown, report }: Reading,
): Promise<OwnModule | undefined> {
  if (!/\.(m?[jt]s|json)$/.test(absolute)) {
    const message = `${quote(written)} cannot be part of a stage: its files are .ts, .mts, .js, .mjs or .json.`;
    const hint = /\.[a-z]+$/.test(written)
      ? 'a program in another language runs with "uses: command"'
      : `write the extension: "${written}.ts"`;
    report({ code: "unsupported-import", message, place, hint });
    return undefined;
  }
  if (!location.allowOutside && (await leavesProject(absolute, location.project))) {
    const message = `${quote(written)} leaves the project's folder.`;
    const hint =
      'copy it into the project, or allow it in the pipeline file: "allow_outside: true" at the top';
    report({ code: "outside-project", message, place, hint });
    return undefined;
  }
  const bytes = await readFile(absolute).catch((error: unknown) => {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  });
  if (bytes === undefined) {
    const message = `The file ${quote(written)} does not exist or cannot be read.`;
    report({ code: "missing-module", message, place, hint: await hintFor(absolute, written) });
    return undefined;
  }
  const path = join(dirname(shown), relative(location.folder, absolute));
  const file = { path, text: bytes.toString("utf8") };
  const program = absolute.endsWith(".json") ? undefined : parseModule(file, report);
  return { absolute, file, program };
}

/** TypeScript under the name of what it is compiled to, or another misspelling. */
async function hintFor(absolute: string, written: string): Promise<string | undefined> {
  const siblings = await readdir(dirname(absolute)).catch((): string[] => []);
  const name = basename(absolute);
  const source = name.replace(/js$/, "ts");
  const stem = written.slice(0, -name.length);
  if (siblings.includes(source) && source !== name)
    return `write "${stem}${source}": files are imported under their own names`;
  return didYouMean(name, siblings)?.replace(/"(.*)"/, (_, near) => `"${stem}${near}"`);
}

/** Adds the version of an installed package, which is looked for from the importing file upwards, as Node does. */
async function readPackage(
  { specifier, place }: FoundImport,
  { absolute }: OwnModule,
  packages: Map<string, string>,
  { report }: Reading,
): Promise<void> {
  if (/^[a-z]+:|^#/.test(specifier) || isAbsolute(specifier)) {
    const message = `${quote(specifier)} cannot be imported by a stage.`;
    const hint =
      'import files by relative paths, installed packages by name, Node\'s own as "node:…"';
    report({ code: "unsupported-import", message, place, hint });
    return;
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const version = await installedVersion(name, dirname(absolute));
  if (version !== undefined) {
    packages.set(name, version);
    return;
  }
  const message = `The package ${quote(name)} is not installed.`;
  report({ code: "missing-package", message, place, hint: `npm install ${name}` });
}

async function installedVersion(name: string, folder: string): Promise<string | undefined> {
  for (let above = folder; ; above = dirname(above)) {
    const path = join(above, "node_modules", name, "package.json");
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined) return versionIn(text);
    if (dirname(above) === above) return undefined;
  }
}

function versionIn(manifest: string): string | undefined {
  try {
    return (JSON.parse(manifest) as { version?: string } | null)?.version ?? "0.0.0";
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
