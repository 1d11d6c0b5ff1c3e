const MAX_DEPTH = 16;
const WHOLE_NUMBER = /(?:0|[1-9][0-9]*)(?![0-9.eE+-])/y;

/**
 * JSON.parse, but refusing what it accepts in silence: a key given twice in one object (also
 * through escapes), nesting deeper than 16, numbers other than plain whole ones, and lone
 * surrogates in strings. `problemToError` turns what was found into the error thrown.
 */
export function parseStrictJson(text: string, problemToError: (problem: string) => Error): unknown {
  try {
    scan(text);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw problemToError(`header is not JSON: ${error.message}`);
    throw error;
  }
}

/** One pass over the text; malformed JSON passes through to JSON.parse unless a rule is broken. */
function scan(text: string): void {
  const open: (Set<string> | null)[] = []; // the keys of each open object; null for an array
  let keyNext = false;
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    if (char === '"') {
      const end = endOfString(text, at);
      checkString(text.slice(at, end), keyNext ? open.at(-1) : null);
      keyNext = false;
      at = end;
    } else if (char === "-" || (char >= "0" && char <= "9")) {
      WHOLE_NUMBER.lastIndex = at;
      if (!WHOLE_NUMBER.test(text))
        throw new SyntaxError(`number at ${at} is not a plain whole number`);
      at = WHOLE_NUMBER.lastIndex;
    } else {
      if (char === "{" || char === "[") open.push(char === "{" ? new Set() : null);
      if (open.length > MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH}`);
      if (char === "}" || char === "]") open.pop();
      keyNext = char === "{" || (char === "," && open.at(-1) instanceof Set);
      at++;
      while (keyNext && isSpace(text[at])) at++;
    }
  }
}

function checkString(literal: string, keys: Set<string> | null | undefined): void {
  const value: string = JSON.parse(literal);
  if (/\p{Surrogate}/u.test(value)) throw new SyntaxError(`lone surrogate in ${literal}`);
  if (keys?.has(value)) throw new SyntaxError(`key ${literal} is given twice`);
  keys?.add(value);
}

function isSpace(char: string | undefined): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}

/** The index after the closing quote of the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === '"') return end + 1;
  }
  throw new SyntaxError("a string does not end");
}
