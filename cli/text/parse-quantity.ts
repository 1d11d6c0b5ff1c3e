const bytesOf: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const daysOf: Readonly<Record<string, number>> = { h: 1 / 24, d: 1, w: 7 };

/** A size as people write it, `500MB`, `2.5 GiB`, `1000`, in bytes; `undefined` for anything else. */
export function parseBytes(text: string): number | undefined {
  const bytes = parse(text, bytesOf, "b");
  return bytes === undefined ? undefined : Math.floor(bytes);
}

/** A time as people write it, `12h`, `30d`, `4w`, in days; `undefined` for anything else. */
export function parseDays(text: string): number | undefined {
  return parse(text, daysOf, undefined);
}

function parse(text: string, units: Readonly<Record<string, number>>, fallback?: string) {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  const unit = match[2]!.toLowerCase() || fallback;
  if (unit === undefined || !Object.hasOwn(units, unit)) return undefined;
  return Number(match[1]) * units[unit]!;
}
