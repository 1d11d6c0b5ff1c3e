/** White space as Python's str.split() has it, which differs from \s. */
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;

/** The words of a text between white space, as Python's str.split() gives them. */
export function pythonSplit(text: string): readonly string[] {
  return text.split(WHITE_SPACE).filter((word) => word !== "");
}
