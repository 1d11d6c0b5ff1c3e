/** The characters of a text as Python counts them, and where JavaScript has them. */
export interface CodePoints {
  /** How many there are. */
  readonly count: number;
  /** The UTF-16 code unit at which the character begins, the text's end for `count`; undefined beyond it. */
  toCodeUnit(character: number): number | undefined;
  /** The character that the UTF-16 code unit belongs to. */
  fromCodeUnit(codeUnit: number): number;
}

/** The code points of a text. */
export function codePointsOf(text: string): CodePoints {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text))
    return {
      count: text.length,
      toCodeUnit: (character) => (character <= text.length ? character : undefined),
      fromCodeUnit: (codeUnit) => codeUnit,
    };
  const starts: number[] = [];
  let at = 0;
  for (const character of text) {
    starts.push(at);
    at += character.length;
  }
  starts.push(at);
  const characterAt = new Uint32Array(at + 1);
  for (const [character, start] of starts.entries())
    characterAt.fill(character, start, starts[character + 1] ?? at + 1);
  return {
    count: starts.length - 1,
    toCodeUnit: (character) => starts[character],
    fromCodeUnit: (codeUnit) => characterAt[codeUnit]!,
  };
}
