import { Lexer } from "yaml";

const CLOSERS: Readonly<Record<string, string>> = { "[": "]", "{": "}" };

/** The bracket that has no partner, and what to do about it. */
export interface BracketMistake {
  readonly start: number;
  readonly message: string;
  readonly hint: string;
}

/** The first bracket of a YAML text without a partner of its own kind. Only for texts that have one. */
export function findBracketMistake(text: string): BracketMistake {
  const open: { readonly bracket: string; readonly start: number }[] = [];
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    const start = offset;
    if (isInText(lexeme)) offset += lexeme.length;
    if (lexeme in CLOSERS) open.push({ bracket: lexeme, start });
    if (lexeme !== "]" && lexeme !== "}") continue;
    const last = open.pop();
    if (last === undefined) {
      return { start, message: `The bracket "${lexeme}" closes nothing.`, hint: "delete it" };
    }
    if (CLOSERS[last.bracket] !== lexeme) return mistakeOf(last, lexeme);
  }
  const last = open.at(-1);
  return last === undefined
    ? { start: 0, message: "A bracket has no partner.", hint: "look for [ ] { } in texts" }
    : mistakeOf(last);
}

/** The lexer marks documents, scalars and errors with control characters that stand for no text. */
function isInText(lexeme: string): boolean {
  return lexeme !== "\u0002" && lexeme !== "\u0018" && lexeme !== "\u001f";
}

function mistakeOf(
  { bracket, start }: { readonly bracket: string; readonly start: number },
  closer?: string,
): BracketMistake {
  const fate = closer === undefined ? "is never closed" : `is closed by "${closer}"`;
  return {
    start,
    message: `The bracket "${bracket}" ${fate}.`,
    hint: `write "${CLOSERS[bracket]}" at its end`,
  };
}
