/** The values of secret environment variables by name; those that are not set, or too short to be told from other text, left out. */
export type Secrets = ReadonlyMap<string, string>;

/** Shorter values stand in any text by chance. */
const shortest = 4;
/** Of a value of several lines, each line that is not shorter counts by itself: logs are lines. */
const shortestLine = 8;

/** The values that the environment has for these names. */
export function secretsFrom(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Secrets {
  const values = names.map((name) => [name, environment[name] ?? ""] as const);
  return new Map(values.filter(([, value]) => value.length >= shortest));
}

/** All spellings in which a secret could appear in a text: as it is, in JSON, in a URL, in base64 and hex, line by line. */
export function spellingsOf(value: string): readonly string[] {
  const lines = value.split(/\r?\n/).filter((line) => line.length >= shortestLine);
  const whole = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
  const bytes = Buffer.from(value);
  const coded = [bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex")];
  // Behind other bytes base64 looks otherwise: the part that only these bytes decide.
  const shifted = [1, 2].map((by) => {
    const text = Buffer.concat([Buffer.alloc(by), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    return text.slice(by + 1, -1);
  });
  const long = [...coded, ...shifted].filter((text) => text.length >= shortestLine);
  return [...new Set([...whole, ...lines, ...long])].sort((a, b) => b.length - a.length);
}

/** A copy of any value with every secret in its texts, keys included, replaced by its name. */
export function createRedactor(secrets: Secrets): <T>(value: T) => T {
  if (secrets.size === 0) return (value) => value;
  const spellings = [...secrets].flatMap(([name, value]) =>
    spellingsOf(value).map((spelling) => [spelling, `[secret ${name}]`] as const),
  );
  spellings.sort(([a], [b]) => b.length - a.length);
  const clean = (text: string) =>
    spellings.reduce((rest, [spelling, shown]) => rest.replaceAll(spelling, shown), text);
  const redact = (value: unknown): unknown => {
    if (typeof value === "string") return clean(value);
    if (Array.isArray(value)) return value.map(redact);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [clean(key), redact(item)]),
    );
  };
  return <T>(value: T) => redact(value) as T;
}
