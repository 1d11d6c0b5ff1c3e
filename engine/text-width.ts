import { stripVTControlCharacters } from "node:util";

const ASCII = /^[\u0020-\u007e]*$/;

/** Blocks that terminals draw two columns wide: East Asian scripts and full-width forms. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x191d2],
  [0x1aff0, 0x1b2fb],
  [0x1d300, 0x1d376],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

/** How many terminal columns a line takes: 2 for each wide character, 0 for escape sequences and combining marks. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of charactersOf(stripVTControlCharacters(text)))
    width += widthOfCharacter(character);
  return width;
}

/** What people see as single characters, however many code points each has. */
export function charactersOf(text: string): readonly string[] {
  return [...unicode().graphemes.segment(text)].map(({ segment }) => segment);
}

function widthOfCharacter(character: string): number {
  const { unseen, emoji } = unicode();
  if (unseen.test(character)) return 0;
  const point = character.codePointAt(0) ?? 0;
  const isWide = WIDE.some(([first, last]) => point >= first && point <= last);
  return isWide || emoji.test(character) ? 2 : 1;
}

interface Unicode {
  readonly graphemes: Intl.Segmenter;
  readonly emoji: RegExp;
  /** Marks that combine, and what is not seen at all. */
  readonly unseen: RegExp;
}

let made: Unicode | undefined;

/** Made at the first text that is not plain: looking up the sets of characters takes longer than many a command. */
function unicode(): Unicode {
  made ??= {
    graphemes: new Intl.Segmenter("en", { granularity: "grapheme" }),
    emoji: /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|^[0-9#*]\ufe0f?\u20e3/u,
    unseen: /^[\p{Cc}\p{Cf}\p{Cs}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]+$/u,
  };
  return made;
}
