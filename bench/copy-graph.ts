import { readFile } from "node:fs/promises";

/** One stage of the graph: a number from 1 on, and the stage that it reads; 0 is the source. */
export interface CopyStage {
  readonly number: number;
  readonly reads: number;
}

/**
 * 499 stages that each read one other, the same graph for every engine: a chain of 50, 200 that read the source, and
 * 249 that hang below those.
 */
export const copyStages: readonly CopyStage[] = Array.from({ length: 499 }, (_, index) => {
  const number = index + 1;
  const reads = number <= 50 ? number - 1 : number <= 250 ? 0 : number - 200;
  return { number, reads };
});

const WORDS = 400;

/** The source's three texts. They are long enough for each of our stages to cut off some more. */
export const sourceTexts: readonly string[] = ["alpha", "beta", "gamma"].map((word) =>
  Array.from({ length: WORDS }, (_, index) => `${word}${index}`).join(" "),
);

/** Seconds of a first run, which executes every stage, and of a second, which finds nothing to do. */
export interface TwoRuns {
  readonly first: number;
  readonly second: number;
}

/** What another engine took for the graph. */
export interface EngineRuns extends TwoRuns {
  readonly name: string;
}

/** Makes sure that a peer did its work; throws where the file at `path` is not the source's text. */
export async function checkCopied(path: string): Promise<void> {
  const text = await readFile(path, "utf8");
  if (text !== sourceTexts.join("\n")) throw new Error(`${path} is not a copy of the source`);
}
