import { StageFailure } from "../../engine/diagnostic.ts";

/** Where the words and tags of a row come from. */
export interface TagColumns {
  readonly words: string;
  readonly tags: string;
  /** What tags that are numbers stand for. */
  readonly names?: readonly string[] | undefined;
}

/** Words, and the tag of each. */
export interface TaggedWords {
  readonly words: readonly string[];
  readonly tags: readonly string[];
}

/** The words and tags in two cells of a row; a StageFailure at `place`, `file:line`, where they do not fit together. */
export function taggedWords(
  place: string,
  cells: ReadonlyMap<string, string>,
  columns: TagColumns,
): TaggedWords {
  const listIn = (column: string) => listOf(place, column, cells.get(column) ?? "");
  const words = listIn(columns.words);
  const found = listIn(columns.tags);
  if (words.length === 0)
    throw wrong(place, {
      code: "no-words",
      message: `"${columns.words}" holds no words.`,
      hint: "give every row at least one word, or take the row out of the file",
    });
  if (found.length !== words.length)
    throw wrong(place, {
      code: "tags-of-another-length",
      message: `"${columns.tags}" has ${count(found, "tag")} for the ${count(words, "word")} of "${columns.words}".`,
      hint: "each word needs one tag; O stands for none",
    });
  return { words, tags: found.map((tag) => nameOf(place, tag, columns)) };
}

/** A JSON list of texts or numbers, or what white space divides. */
function listOf(place: string, column: string, cell: string): readonly string[] {
  const trimmed = cell.trim();
  const items = trimmed.startsWith("[") ? parsedList(trimmed) : trimmed.split(/\s+/);
  if (trimmed === "") return [];
  const isWord = (item: unknown) =>
    (typeof item === "string" && item.trim() !== "") || Number.isSafeInteger(item);
  if (items?.every(isWord)) return items.map(String);
  throw wrong(place, {
    code: "not-a-list-of-words",
    message: `"${column}" is no list of words: ${trimmed.slice(0, 60)}`,
    hint: 'write a JSON list of strings that are not blank, ["EU", "rejects"], or words with spaces between',
  });
}

function parsedList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function nameOf(place: string, tag: string, { tags, names }: TagColumns): string {
  if (names === undefined) return tag;
  const name = /^\d+$/.test(tag) ? names[Number(tag)] : names.find((known) => known === tag);
  if (name !== undefined) return name;
  throw wrong(place, {
    code: "unknown-tag",
    message: `"${tags}" holds the tag ${tag}, but tag_names has ${count(names, "name")}.`,
    hint: "name every tag in tag_names, the first for 0",
  });
}

function count(items: readonly unknown[], what: string): string {
  return items.length === 1 ? `1 ${what}` : `${items.length} ${what}s`;
}

function wrong(
  place: string,
  { message, ...problem }: { code: string; message: string; hint: string },
): StageFailure {
  return new StageFailure({ ...problem, message: `${place}: ${message}` });
}
