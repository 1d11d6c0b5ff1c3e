import { Ajv, type ValidateFunction } from "ajv";

// Compiling a schema costs milliseconds: only schemas of kinds in use are compiled, each once. Checking schemas against
// the meta-schema would cost more than all of them: tests do that.
const ajv = new Ajv({
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
  // Each validator runs a few times: optimizing its code takes a third of the compilation and never pays.
  code: { optimize: false },
});

/** A validator of a draft-07 schema that finds all violations and fills in defaults. A malformed schema throws. */
export function validatorOf(schema: object): ValidateFunction {
  return ajv.compile(schema);
}
