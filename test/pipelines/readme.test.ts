import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { analyze } from "../../engine/pipeline/analyze.ts";
import type { AnyStage, InputPorts, ParamsSchema } from "../../engine/stage.ts";
import { stages } from "../../stages/index.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const project = join(import.meta.dirname, "../..");
const path = join(project, "README.md");

// UPDATE_GOLDEN=1 writes both tables anew.
test("the README's table of stages is what the stages say", async () => {
  await checkTable("| kind | reads | makes | params |\n|---|---|---|---|\n", stages.map(rowOf));
});

test("the README's table of commands is what --help says", async () => {
  const main = join(project, "cli/main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", main, "-h"]);
  const commands = stdout
    .slice(stdout.indexOf("Commands:"))
    .matchAll(/^ {2}([a-z].*?) {2,}(\S.*)/gm);
  const rows = [...commands].map(
    ([, usage, description]) => `| \`${usage!.replace(" [options]", "")}\` | ${description} |\n`,
  );
  await checkTable("| command | what it does |\n|---|---|\n", rows.slice(0, -1)); // the last is help
});

test("each command has an example in the documentation whose output was really printed", async () => {
  const docs = join(project, "docs");
  const pages = await Promise.all(
    (await readdir(docs)).map((name) => readFile(join(docs, name), "utf8")),
  );
  const printed = pages.flatMap((page) => page.match(/^\$ .*$/gm) ?? []).join("\n");
  const main = join(project, "cli/main.ts");
  const namesIn = async (...args: readonly string[]) => {
    const help = [...["--import", "tsx", main], ...args, "-h"];
    const { stdout } = await promisify(execFile)(process.execPath, help);
    const listed = stdout.slice(stdout.indexOf("Commands:")).matchAll(/^ {2}([a-z]+)/gm);
    return [...listed].map(([, name]) => [...args, name].join(" "));
  };
  const names = [...(await namesIn()), ...(await namesIn("cache"))];
  assert.ok(names.includes("run") && names.includes("cache push"), names.join());
  const isShown = (name: string) => new RegExp(`tunesmith ${name}\\b`).test(printed);
  const isHelp = (name: string) => /\bhelp$/.test(name);
  assert.deepEqual(
    names.filter((name) => !isHelp(name) && !isShown(name)),
    [],
  );
  for (const flag of ["--frozen", "--watch", "--merge", "--set", "last~1"])
    assert.ok(printed.includes(flag), flag);
});

test("the README's own stage is one", async (t) => {
  const readme = await readFile(path, "utf8");
  const stage = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const folder = await temporaryFolder(t, { "package.json": "{}", "stage.ts": stage, "a.csv": "" });
  const yaml = `stages:
  rows: { uses: load, with: { files: a.csv, text: text } }
  own: { uses: ./stage.ts, in: rows, with: { words: 4 } }
`;
  const bytes = Buffer.from(yaml);
  const request = { path: join(folder, "p.tune.yaml"), shown: "p.tune.yaml", bytes };
  const analyzed = await analyze({ ...request, kinds: stages, environment: {} });
  assert.deepEqual(analyzed.ok || analyzed.error.map(({ message }) => message), true);
});

test("the README's pipeline is a valid one", async () => {
  const readme = await readFile(path, "utf8");
  const yaml = /```yaml\n(# yaml-language-server[\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const analyzed = await analyze({
    path: join(project, "pipelines/readme.tune.yaml"),
    shown: "README.md",
    bytes: Buffer.from(yaml),
    kinds: stages,
    environment: {},
  });
  assert.deepEqual(analyzed.ok || analyzed.error.map(({ message }) => message), true);
  assert.deepEqual(analyzed.ok && analyzed.value.stages.map(({ name }) => name), [
    "rows",
    "clean",
    "split",
    "tokenizer",
    "tokens",
    "train",
    "evaluate",
    "save",
  ]);
});

async function checkTable(head: string, rows: readonly string[]): Promise<void> {
  const readme = await readFile(path, "utf8");
  const begin = readme.indexOf(head);
  assert.notEqual(begin, -1, `README.md has no table ${head}`);
  const written = /^(?:\|.*\n)*/.exec(readme.slice(begin))![0];
  const expected = head + rows.join("");
  if (process.env.UPDATE_GOLDEN)
    await writeFile(
      path,
      readme.replace(written, () => expected),
    );
  else assert.equal(written, expected);
}

function rowOf({ kind, inputs, outputs, params }: AnyStage): string {
  const reads = Object.entries(inputs as InputPorts).map(
    ([port, { optional }]) => `${port}${optional ? "?" : ""}`,
  );
  const names = Object.entries(params.properties as ParamsSchema["properties"])
    .filter(([, schema]) => !descriptionOf(schema).startsWith("Not supported"))
    .map(([name]) => `\`${name}\``);
  const cells = [`\`${kind}\``, reads.join(", "), Object.keys(outputs).join(", "), names.join(" ")];
  return `| ${cells.join(" | ")} |\n`;
}

function descriptionOf(schema: object): string {
  return "description" in schema ? String(schema.description) : "";
}
