import { widthOf } from "../../engine/text-width.ts";
import type { TextSink } from "../context.ts";
import type { Clock } from "./clock.ts";
import type { Display } from "./display.ts";

const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";
const ERASE_BELOW = "\u001B[J";
/** Ten times a second: more is only flicker. */
const SECONDS_BETWEEN_DRAWINGS = 0.1;

/** What stands at the bottom, asked at each drawing: windows change their size. */
export interface LiveContent {
  /** The lines now, each narrower than the terminal; none: the display rests. */
  lines(): readonly string[];
  /** Columns of the terminal now. */
  columns(): number;
}

/**
 * Lines at the bottom of a terminal that are drawn again and again, while what is printed scrolls by above them. The
 * cursor is hidden as long as lines are shown, and comes back however the process ends.
 */
export class LiveLines implements Display {
  readonly #sink: TextSink;
  readonly #clock: Clock;
  readonly #content: LiveContent;
  #printed = "";
  #drawn: readonly string[] = [];
  #drawnAt = Number.NEGATIVE_INFINITY;
  #stop: (() => void) | undefined;

  constructor(sink: TextSink, clock: Clock, content: LiveContent) {
    this.#sink = sink;
    this.#clock = clock;
    this.#content = content;
  }

  /** Writes text, whole lines, above the live ones. */
  print(text: string): void {
    this.#printed += text;
    this.progress();
  }

  /** Draws what changed, now or when the time for the next drawing has come. */
  progress(): void {
    if (this.#clock.now() - this.#drawnAt >= SECONDS_BETWEEN_DRAWINGS)
      this.#draw(this.#content.lines());
    if (this.#stop === undefined) this.#start();
  }

  /** Removes the live lines, leaves what was printed, and gives the cursor back. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    process.off("exit", this.#restore);
    this.#draw([]);
  }

  #start(): void {
    this.#stop = this.#clock.every(SECONDS_BETWEEN_DRAWINGS, () =>
      this.#draw(this.#content.lines()),
    );
    process.on("exit", this.#restore);
  }

  readonly #restore = () => this.#draw([]);

  #draw(lines: readonly string[]): void {
    const isSame =
      lines.length === this.#drawn.length && lines.every((line, i) => line === this.#drawn[i]);
    if (isSame && this.#printed === "") return;
    const up = this.#rowsOf(this.#drawn);
    const erase = up === 0 ? "" : `\u001B[${up}A${ERASE_BELOW}`;
    const shown = lines.map((line) => `${line}\n`).join("");
    this.#sink.write(erase + this.#printed + cursorChange(this.#drawn, lines) + shown);
    this.#printed = "";
    this.#drawn = lines;
    this.#drawnAt = this.#clock.now();
  }

  /** Lines drawn before a window became narrower take more rows now. */
  #rowsOf(lines: readonly string[]): number {
    const columns = Math.max(1, this.#content.columns());
    return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
  }
}

function cursorChange(before: readonly string[], after: readonly string[]): string {
  if (before.length > 0 === after.length > 0) return "";
  return after.length > 0 ? HIDE_CURSOR : SHOW_CURSOR;
}
