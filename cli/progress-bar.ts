import type { CliContext } from "./context.ts";
import { processClock } from "./reporters/clock.ts";
import { LiveLines } from "./reporters/live-lines.ts";

/** How far a long work is. */
export interface ProgressBar {
  show(done: number, total: number): void;
  close(): void;
}

const width = 24;

/** A bar at the bottom of the terminal; nothing where lines cannot be redrawn. `close` removes it. */
export function createProgressBar(
  context: Pick<CliContext, "stderr" | "interactive" | "columns">,
  label: string,
): ProgressBar {
  let line = "";
  if (!context.interactive) return { show: () => {}, close: () => {} };
  const lines = new LiveLines(context.stderr, processClock, {
    lines: () => (line === "" ? [] : [line]),
    columns: () => context.columns,
  });
  return {
    show(done, total) {
      const share = total === 0 ? 1 : done / total;
      const filled = Math.round(share * width);
      const bar = `${"#".repeat(filled)}${".".repeat(width - filled)}`;
      line = `${label} ${bar} ${Math.floor(share * 100)}% (${done} of ${total})`.slice(
        0,
        context.columns - 1,
      );
      lines.progress();
    },
    close: () => lines.close(),
  };
}
