import stringWidth from "string-width";

const ESCAPE = "\\u001b\\[";
const TOKENS = new RegExp(
  `${ESCAPE}(\\d*)A|${ESCAPE}(J)|${ESCAPE}\\?25([lh])|${ESCAPE}[\\d;]*m|(\n)|([^\\u001b\n]+)`,
  "gy",
);

/** A terminal as far as live lines need one: text that wraps at its columns, cursor up, erase below, cursor on and off. */
export class Screen {
  columns: number;
  isCursorHidden = false;
  /** How often something was written. */
  writes = 0;
  readonly #lines: string[] = [""];
  #row = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  /** What stands on the screen, one string for each line that was ended by a line break. */
  get text(): string {
    return this.#lines.join("\n");
  }

  write(text: string): void {
    this.writes++;
    let at = 0;
    for (const token of text.matchAll(TOKENS)) {
      if (token.index !== at) break;
      at += token[0].length;
      this.#take(token);
    }
    if (at !== text.length)
      throw new Error(`the screen does not know ${JSON.stringify(text.slice(at))}`);
  }

  #take([, up, erase, cursor, lineBreak, words]: RegExpMatchArray): void {
    if (up !== undefined) this.#moveUp(Number(up || 1));
    if (erase !== undefined) this.#lines.splice(this.#row, Number.POSITIVE_INFINITY, "");
    if (cursor !== undefined) this.isCursorHidden = cursor === "l";
    if (words !== undefined) this.#lines[this.#row] += words;
    if (lineBreak !== undefined) {
      this.#row++;
      this.#lines[this.#row] ??= "";
    }
  }

  /** Rows are counted as a terminal shows the lines now, after any change of its size. */
  #moveUp(rows: number): void {
    let left = rows;
    while (left > 0) {
      if (this.#row === 0) throw new Error("the cursor leaves the screen");
      this.#row--;
      left -= Math.max(1, Math.ceil(stringWidth(this.#lines[this.#row] ?? "") / this.columns));
    }
    if (left < 0) throw new Error(`the cursor stops inside "${this.#lines[this.#row]}"`);
  }
}
