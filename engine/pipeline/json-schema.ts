import { createRequire } from "node:module";
import type { Ajv, Options, ValidateFunction } from "ajv";
import { digestOf, hexOf } from "../../cache/digest.ts";

/** How schemas are read. Checking them against the meta-schema would cost more than all of them: tests do that. */
export const validatorOptions: Options = {
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allowUnionTypes: true,
  allErrors: true,
  useDefaults: true,
  verbose: true,
  validateFormats: false,
  meta: false,
  validateSchema: false,
  logger: false,
};

const require = createRequire(import.meta.url);
const validators = new WeakMap<object, ValidateFunction>();
let compiler: Ajv | undefined;

/** A validator of a draft-07 schema that finds all violations and fills in defaults. A malformed schema throws. */
export function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = builtValidator(schema) ?? compile(schema);
  validators.set(schema, made);
  return made;
}

/** The file among the package's `validators` that checks what this very schema says. */
export function validatorFile(schema: object): string {
  return `${hexOf(digestOf(JSON.stringify(schema))).slice(0, 32)}.cjs`;
}

/** Of the schemas that tunesmith itself has, the build made validators: loading one takes a tenth of compiling it. */
function builtValidator(schema: object): ValidateFunction | undefined {
  try {
    return require(`../../validators/${validatorFile(schema)}`) as ValidateFunction;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The compiler is loaded where it is needed: from the sources, for users' own stages, and to explain an error. */
function compile(schema: object): ValidateFunction {
  if (compiler === undefined) {
    const { Ajv } = require("ajv") as typeof import("ajv");
    // Each validator runs a few times: optimizing its code takes a third of the compilation and never pays.
    compiler = new Ajv({ ...validatorOptions, code: { optimize: false } });
  }
  return compiler.compile(schema);
}
