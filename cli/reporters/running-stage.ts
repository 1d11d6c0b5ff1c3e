import type { Progress } from "../../engine/stage.ts";
import { widthOf } from "../../engine/text-width.ts";
import { cutTo, padEnd } from "../text/display-width.ts";
import { formatNumber, formatWholeSeconds } from "../text/format-quantity.ts";
import type { Glyphs } from "../text/glyphs.ts";

/** A stage that is at work, as far as the display knows. Times in seconds of the display's clock. */
export interface RunningStage {
  readonly name: string;
  readonly startedAt: number;
  /** How long it took before. */
  readonly expectedSeconds?: number;
  /** The first and the last progress, which give the rate. */
  readonly first?: { readonly at: number; readonly progress: Progress };
  readonly last?: Progress;
}

/** How far a stage is: numbers ready to be shown. */
interface Standing {
  /** From 0 to 1. */
  readonly share: number;
  readonly percent: string;
  readonly count: string;
  readonly rate?: string;
  readonly left?: string;
  readonly metrics: string;
}

/** One line without a bar: `153/300 steps (51%), 12.3 steps/s, about 15 s left, loss 0.4321`. */
export function describeProgress(stage: RunningStage, now: number): string {
  const standing = standingOf(stage, now);
  if (standing === undefined) return elapsed(stage, now);
  const { count, percent, rate, left, metrics } = standing;
  return [`${count} (${percent})`, rate, left && `about ${left} left`, metrics]
    .filter(Boolean)
    .join(", ");
}

/** One line with a bar, at most as wide as asked: what matters less is left out where there is no room. */
export function drawProgress(
  stage: RunningStage,
  { now, width, nameWidth, glyphs }: DrawingRoom,
): string {
  const name = padEnd(cutTo(stage.name, nameWidth, glyphs.ellipsis), nameWidth);
  const standing = standingOf(stage, now);
  if (standing === undefined)
    return cutTo(`${name}  ${elapsed(stage, now)}`, width, glyphs.ellipsis);
  const { share, percent, count, rate, left, metrics } = standing;
  const barWidth = width < 60 ? 8 : 20;
  const done = Math.round(share * barWidth);
  const bar = glyphs.barDone.repeat(done) + glyphs.barLeft.repeat(barWidth - done);
  const start = `${name}  ${bar} ${percent.padStart(4)}`;
  const parts = [left && `${left} left`, metrics, count, rate].filter((part) => Boolean(part));
  while (parts.length > 0 && widthOf([start, ...parts].join("  ")) > width) parts.pop();
  return cutTo([start, ...parts].join("  "), width, glyphs.ellipsis);
}

/** Where a progress line goes. */
export interface DrawingRoom {
  readonly now: number;
  readonly width: number;
  readonly nameWidth: number;
  readonly glyphs: Glyphs;
}

function elapsed({ startedAt, expectedSeconds }: RunningStage, now: number): string {
  const spent = formatWholeSeconds(now - startedAt);
  return expectedSeconds === undefined
    ? `${spent}`
    : `${spent} of about ${formatWholeSeconds(expectedSeconds)}`;
}

function standingOf({ first, last }: RunningStage, now: number): Standing | undefined {
  if (first === undefined || last === undefined || last.total <= 0) return undefined;
  const { done, total, unit, metrics = {} } = last;
  const share = Math.min(1, done / total);
  const rate = (done - first.progress.done) / (now - first.at);
  const known =
    rate > 0 && Number.isFinite(rate)
      ? {
          rate: `${formatNumber(Number(rate.toPrecision(3)))} ${unit}/s`,
          left: formatWholeSeconds((total - done) / rate),
        }
      : {};
  const shown = Object.entries(metrics).map(([name, value]) => `${name} ${formatNumber(value)}`);
  return {
    share,
    percent: `${Math.floor(share * 100)}%`,
    count: `${done}/${total} ${unit}`,
    ...known,
    metrics: shown.join(", "),
  };
}
