const segmenter = new Intl.Segmenter();
// biome-ignore lint/suspicious/noControlCharactersInRegex: printable ASCII is what takes the short way
const ASCII = /^[\u0000-\u007f]*$/;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f/u;
const COMBINING = /^[\p{Mn}\p{Me}\u200b-\u200d]+$/u;

/** Blocks that terminals draw two columns wide: East Asian scripts and full-width forms. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

/** Columns that a text without control characters takes on a terminal. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOfCharacter(segment);
  return width;
}

function widthOfCharacter(character: string): number {
  if (COMBINING.test(character)) return 0;
  const point = character.codePointAt(0) ?? 0;
  const isWide = WIDE.some(([first, last]) => point >= first && point <= last);
  return isWide || EMOJI.test(character) ? 2 : 1;
}
