import { readFile, writeFile } from "node:fs/promises";
import { pipelineSchema } from "../engine/pipeline/pipeline-schema.ts";
import { lockfileSchema } from "../engine/validate-lockfile.ts";
import { stages } from "../stages/index.ts";

/** The text of each schema file by its name, as it must be checked in. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const text = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;
  return new Map([
    ["pipeline.schema.json", text(pipelineSchema(stages))],
    ["lockfile.schema.json", text(lockfileSchema)],
  ]);
}

/** Names of the checked-in schema files that differ from what the stages now define. */
export async function staleSchemaFiles(): Promise<string[]> {
  const stale: string[] = [];
  for (const [name, text] of schemaFiles()) {
    const found = await readFile(new URL(name, import.meta.url), "utf8").catch(() => undefined);
    if (found !== text) stale.push(name);
  }
  return stale;
}

async function main(options: readonly string[]): Promise<void> {
  if (options.includes("--check")) {
    const stale = await staleSchemaFiles();
    if (stale.length === 0) return;
    process.stderr.write(`schema/ is out of date: ${stale.join(", ")}. Run: npm run schema\n`);
    process.exitCode = 1;
    return;
  }
  for (const [name, text] of schemaFiles()) await writeFile(new URL(name, import.meta.url), text);
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main(process.argv.slice(2));
