/** How a tokenizer spells texts. */
export interface Spelling {
  normalize(text: string): string;
  /** The normalized text's words, as they are looked up: what an unknown token may stand for. */
  split(normalized: string): readonly string[];
  /** Whether tokens are spelled in bytes, a printable character for each. */
  readonly isByteLevel: boolean;
  /** What begins a token that goes on with a word: "##"; empty where there is no such thing. */
  readonly continuing: string;
  /** A token as it is spelled; undefined for the unknown one. */
  pieceOf(id: number): string | undefined;
  /** The text of an added token, which is looked for before anything is normalized; undefined for other tokens. */
  addedOf(id: number): string | undefined;
}

/** Where tokens stand in a text, in UTF-16 code units, without white space at their ends. */
export interface TextOffsets {
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** The places of a text's tokens; undefined where its tokenizer changes texts in a way that cannot be followed. */
export function textOffsets(
  text: string,
  ids: readonly number[],
  spelling: Spelling,
): TextOffsets | undefined {
  const followed =
    followNormalization(text, CHARACTER, spelling) ?? followNormalization(text, CLUSTER, spelling);
  if (followed === undefined) return undefined;
  const spelled = spelling.isByteLevel ? inBytes(followed) : followed;
  const surfaces = ids.map((id) => surfaceOf(id, spelling));
  const words = wordEnds(spelled.text, spelling);
  const [begins, ends]: [number[], number[]] = [[], []];
  let at = 0;
  for (const [i, surface] of surfaces.entries()) {
    const found =
      surface === undefined
        ? unknownAt(spelled.text, at, { words, next: surfaces[i + 1] })
        : surfaceAt(spelled.text, at, surface);
    if (found === undefined) return undefined;
    at = found.end;
    const place = trimmed(text, spelled, found);
    begins.push(place.begin);
    ends.push(place.end);
  }
  return { begins, ends };
}

/** A text made of another one: where in that each of its code units comes from. */
interface Followed {
  readonly text: string;
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

const CHARACTER = /./gsu;
/** A character with its marks, where a normalizer joins them. */
const CLUSTER = /\P{M}\p{M}*|\p{M}+/gu;

/** Piece by piece; what the whole text lacks of that, or has more, may be white space only. */
function followNormalization(
  text: string,
  piece: RegExp,
  { normalize }: Spelling,
): Followed | undefined {
  const units: { unit: string; begin: number; end: number }[] = [];
  for (const { 0: cluster, index } of text.matchAll(piece))
    for (const unit of normalize(cluster).split(""))
      units.push({ unit, begin: index, end: index + cluster.length });
  const whole = normalize(text);
  const [begins, ends]: [number[], number[]] = [[], []];
  let next = 0;
  for (const unit of whole.split("")) {
    while (next < units.length && units[next]!.unit !== unit && isSpace(units[next]!.unit)) next++;
    const isAdded = units[next]?.unit !== unit;
    if (isAdded && !isSpace(unit)) return undefined;
    const { begin, end } = units[next] ?? { begin: text.length, end: text.length };
    begins.push(begin);
    ends.push(isAdded ? begin : end);
    if (!isAdded) next++;
  }
  if (units.slice(next).some(({ unit }) => !isSpace(unit))) return undefined;
  return { text: whole, begins, ends };
}

/** The same, a code unit for each byte of UTF-8. */
function inBytes({ text, begins, ends }: Followed): Followed {
  const bytes = { begins: [] as number[], ends: [] as number[] };
  let at = 0;
  for (const character of text) {
    const last = at + character.length - 1;
    for (let byte = 0; byte < Buffer.byteLength(character); byte++) {
      bytes.begins.push(begins[at]!);
      bytes.ends.push(ends[last]!);
    }
    at += character.length;
  }
  return { text: Buffer.from(text).toString("latin1"), ...bytes };
}

/** What a token stands for in the spelled text; several where it may be spelled in more than one way. */
type Surface = readonly string[];

function surfaceOf(id: number, spelling: Spelling): Surface | undefined {
  const added = spelling.addedOf(id);
  if (added !== undefined) {
    const spelled = [added, spelling.normalize(added)];
    return spelling.isByteLevel ? spelled.map((one) => latin1(one)) : spelled;
  }
  const piece = spelling.pieceOf(id);
  if (piece === undefined) return undefined;
  if (spelling.isByteLevel) return [bytesOfPiece(piece)];
  const { continuing } = spelling;
  const isContinuing = continuing !== "" && piece.startsWith(continuing);
  return [(isContinuing ? piece.slice(continuing.length) : piece).replaceAll("▁", " "), piece];
}

function surfaceAt(text: string, at: number, surface: Surface) {
  for (const one of surface)
    if (text.startsWith(one, at)) return { begin: at, end: at + one.length };
  const begin = skipSpace(text, at);
  for (const one of surface.map((spelled) => spelled.trimStart()))
    if (text.startsWith(one, begin)) return { begin, end: begin + one.length };
  return undefined;
}

/** An unknown token is what comes before the next token in its word, else the rest of the word. */
function unknownAt(
  text: string,
  at: number,
  { words, next }: { words: readonly number[]; next: Surface | undefined },
) {
  const begin = skipSpace(text, at);
  const wordEnd = words.find((end) => end > begin);
  if (wordEnd === undefined) return undefined;
  const found = next === undefined ? -1 : text.indexOf(next[0]!.trimStart(), begin + 1);
  return { begin, end: found >= 0 && found < wordEnd ? found : wordEnd };
}

/** Where the words of the text end. */
function wordEnds(text: string, { isByteLevel, split }: Spelling): readonly number[] {
  if (isByteLevel) return [text.length];
  let at = 0;
  return split(text).map((word) => {
    const plain = word.replaceAll("▁", " ").trim();
    const begin = text.indexOf(plain, at);
    if (begin >= 0) at = begin + plain.length;
    return at;
  });
}

function trimmed(
  source: string,
  { begins, ends }: Followed,
  { begin, end }: { begin: number; end: number },
): { begin: number; end: number } {
  if (begin >= end)
    return { begin: begins[begin] ?? source.length, end: begins[begin] ?? source.length };
  let [from, to] = [begins[begin]!, ends[end - 1]!];
  while (from < to && isSpace(source[from]!)) from++;
  while (to > from && isSpace(source[to - 1]!)) to--;
  return { begin: from, end: to };
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && isSpace(text[next]!)) next++;
  return next;
}

function isSpace(unit: string): boolean {
  return /\p{White_Space}|▁/u.test(unit);
}

function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** GPT-2's spelling of bytes: those that are printable stand for themselves, the others for U+0100 and on, in their order. */
const byteOf: ReadonlyMap<string, number> = spelledBytes();

function spelledBytes(): ReadonlyMap<string, number> {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let others = 0;
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [
      String.fromCharCode(isPrintable(byte) ? byte : 0x100 + others++),
      byte,
    ]),
  );
}

function bytesOfPiece(piece: string): string {
  return String.fromCharCode(...Array.from(piece, (character) => byteOf.get(character) ?? 0));
}
