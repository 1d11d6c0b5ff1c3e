/** Python counts the four separators of ASCII as white space, too. */
const SEPARATORS = String.fromCharCode(0x1c, 0x1d, 0x1e, 0x1f);
const WHITE_SPACE = `[\\p{White_Space}${SEPARATORS}]+`;
const BETWEEN = new RegExp(WHITE_SPACE, "u");
const AT_END = new RegExp(`${WHITE_SPACE}$`, "u");

/** The words of a text between white space, as Python's str.split() gives them. */
export function pythonSplit(text: string): readonly string[] {
  return text.split(BETWEEN).filter((word) => word !== "");
}

/** A text without white space at its end, as Python's str.rstrip() leaves it. */
export function pythonTrimEnd(text: string): string {
  return text.replace(AT_END, "");
}
