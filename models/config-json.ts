import { ModelError } from "./model-error.ts";

/** A config.json as it is on disk: keys and values verbatim. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** A whole number of at least 1; a ModelError naming the field otherwise. */
export function positiveInteger(config: ConfigJson, field: string, preset?: number): number {
  const value = config[field] ?? preset;
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw fieldError(config, field, "a whole number of at least 1");
}

/** The number of a model's layers: a mistaken one would take all memory before it could be noticed. */
export function layerCount(config: ConfigJson, field: string, preset: number): number {
  const count = positiveInteger(config, field, preset);
  if (count > 1000) throw fieldError(config, field, "at most 1000");
  return count;
}

/** A number from `low` (included) to `high` (excluded); a ModelError naming the field otherwise. */
export function numberBetween(
  config: ConfigJson,
  field: string,
  { low, high, preset }: { low: number; high: number; preset: number },
): number {
  const value = config[field] ?? preset;
  if (typeof value === "number" && value >= low && value < high) return value;
  throw fieldError(config, field, `a number from ${low} to less than ${high}`);
}

/** One of the given names; a ModelError naming the field and the names otherwise. */
export function oneOf<Name extends string>(
  config: ConfigJson,
  field: string,
  names: readonly Name[],
): Name {
  const value = config[field] ?? names[0];
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw fieldError(
    config,
    field,
    names.length === 1 ? `"${names[0]}"` : `one of ${names.join(", ")}`,
  );
}

/** The id of a token, or null for none; a ModelError naming the field otherwise. */
export function tokenIdOrNull(
  config: ConfigJson,
  field: string,
  preset: number | null,
): number | null {
  const { [field]: id = preset } = config;
  if (id === null || (Number.isSafeInteger(id) && (id as number) >= 0)) return id as number | null;
  throw fieldError(config, field, "the id of a token, or null");
}

/** What a decoder's rows are filled up with: pad_token_id, else eos_token_id, or the first of them, else 0. */
export function paddingToken(config: ConfigJson, vocabSize: number): number {
  const padding = tokenIdOrNull(config, "pad_token_id", null);
  const { eos_token_id: end } = config;
  const ends: readonly unknown[] = Array.isArray(end) ? end : [end];
  const id = [padding, ...ends].find((one) => Number.isSafeInteger(one) && (one as number) >= 0);
  const found = (id as number | undefined) ?? 0;
  if (found < vocabSize) return found;
  const field = found === padding ? "pad_token_id" : "eos_token_id";
  throw fieldError(config, field, `less than vocab_size ${vocabSize}`);
}

/**
 * Refuses fields whose value asks for a computation that the model here does not do: each field
 * must be absent, null or equal to the given value (an empty object or list counts as absent).
 */
export function requireUnset(config: ConfigJson, neutral: Readonly<Record<string, unknown>>): void {
  for (const [field, only] of Object.entries(neutral)) {
    const value = config[field];
    const isEmpty = typeof value === "object" && Object.keys(value ?? {}).length === 0;
    if (value === undefined || value === only || isEmpty) continue;
    throw fieldError(config, field, only === null ? "absent" : JSON.stringify(only));
  }
}

const FLOAT_FIELD = /(dropout|_prob|_pdrop|_rate|_range|_factor|_eps|_epsilon|_theta)$/;

/**
 * The text of a config.json, keys sorted. Numbers that Python knows as floats are written as such where
 * they are whole: transformers 5 refuses an `initializer_factor` of 1, and takes 1.0.
 */
export function formatConfig(config: ConfigJson): string {
  const sorted = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(sorted), null, 2);
  const floats = text.replace(/^ {2}"(\w+)": -?\d+(?=,?$)/gm, (line, field: string) =>
    FLOAT_FIELD.test(field) ? `${line}.0` : line,
  );
  return `${floats}\n`;
}

/** The error for a field of config.json that has a value we cannot follow. */
export function fieldError(config: ConfigJson, field: string, expected: string): ModelError {
  return new ModelError(
    "config-unsupported",
    `config.json: "${field}" is ${JSON.stringify(config[field])}; expected ${expected}.`,
    "A model with this setting would compute other numbers here than in transformers.",
  );
}
