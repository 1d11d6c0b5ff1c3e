import { mkdir, rm, writeFile } from "node:fs/promises";
import { Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { configurationSchema } from "../cli/machine-slots.ts";
import { validatorFile, validatorOptions } from "../engine/pipeline/json-schema.ts";
import { pipelineKeys, stageKeys } from "../engine/pipeline/pipeline-keys.ts";
import { lockfileSchema } from "../engine/validate-lockfile.ts";
import { stages } from "../stages/index.ts";

/** All schemas that are known before a pipeline is read. */
export const builtInSchemas: readonly object[] = [
  pipelineKeys,
  stageKeys,
  lockfileSchema,
  configurationSchema,
  ...stages.map(({ params }) => params),
];

/** The text of a CommonJS module that is the schema's validator. */
export function validatorText(schema: object): string {
  const ajv = new Ajv({ ...validatorOptions, code: { source: true } });
  return standalone.default(ajv, ajv.compile(schema));
}

/** Part of the build: the validators of all built-in schemas, beside the compiled sources. */
async function main(): Promise<void> {
  const folder = new URL("../dist/validators/", import.meta.url);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const schema of builtInSchemas)
    await writeFile(new URL(validatorFile(schema), folder), validatorText(schema));
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main();
