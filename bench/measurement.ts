/** What a bench measures with: the command under test, the peers that are installed, and where it may write. */
export interface Bench {
  /** The start of a command line that runs tunesmith as users do: `node dist/cli/main.js`. */
  readonly tunesmith: readonly [string, ...string[]];
  /** A Python that has the peers of bench/setup-python.sh; undefined where there is none. */
  readonly python: string | undefined;
  /** The folder of this project. */
  readonly project: string;
  /** An empty folder, removed afterwards. */
  readonly folder: string;
  /** Processor cores, and the threads that each side gets. */
  readonly threads: number;
  /** How often to measure; undefined: as often as the bench finds right. */
  readonly rounds: number | undefined;
  /** One line on what is happening now. */
  say(line: string): void;
}

/** A number of one side. */
export interface Quantity {
  readonly value: number;
  readonly unit: "s" | "ms" | "MiB" | "";
}

/** The same measured elsewhere, in the same run. */
export interface Peer extends Quantity {
  readonly name: string;
}

/** What DESIGN asks for, and whether this run reached it. */
export interface Goal {
  readonly text: string;
  readonly isReached: boolean;
}

/** One row of the table. */
export interface Measurement {
  readonly what: string;
  readonly ours: Quantity;
  readonly peer?: Peer;
  readonly goal?: Goal;
}

/** How many times less than the peer we take; of a metric, where more is better, the difference is what counts. */
export function ratioOf({ ours, peer }: Measurement): number | undefined {
  return peer === undefined || ours.unit === "" ? undefined : peer.value / ours.value;
}

/** `2.31 s`, `45 ms`, `512 MiB`, `0.6123`. */
export function formatQuantity({ value, unit }: Quantity): string {
  if (unit === "") return value.toFixed(4);
  if (unit === "s") return `${value < 100 ? value.toFixed(2) : value.toFixed(0)} s`;
  return `${value.toFixed(0)} ${unit}`;
}

/** The middle of some numbers; of an even count the upper middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error("internal: there is no median of nothing");
  return middle;
}
