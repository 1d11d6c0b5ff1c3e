/** Characters that a locale without Unicode replaces. */
export interface Glyphs {
  readonly ellipsis: string;
  readonly barDone: string;
  readonly barLeft: string;
  readonly cross: string;
}

const unicode: Glyphs = { ellipsis: "…", barDone: "━", barLeft: "─", cross: "✘" };
const ascii: Glyphs = { ellipsis: "...", barDone: "=", barLeft: "-", cross: "x" };

/** The characters that the locale of an environment can show; `LANG=C`, or none at all, means ASCII. */
export function glyphsOf(environment: Readonly<Record<string, string | undefined>>): Glyphs {
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || "";
  return /utf-?8/i.test(locale) || process.platform === "win32" ? unicode : ascii;
}
