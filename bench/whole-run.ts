import { type Goal, type Measurement, medianOf, type Quantity } from "./measurement.ts";

/** What one whole run of the example, from the rows to the saved model, took and gave. */
export interface WholeRun {
  readonly seconds: number;
  /** Of these, the training with its evaluations. */
  readonly trainSeconds: number;
  readonly peakMiB: number | undefined;
  readonly validationAccuracy: number;
  readonly testAccuracy: number;
  readonly testMacroF1: number;
}

/** Each number's median. */
export function medianRun(runs: readonly WholeRun[]): WholeRun {
  const of = (pick: (run: WholeRun) => number) => medianOf(runs.map(pick));
  const isKnown = runs.every(({ peakMiB }) => peakMiB !== undefined);
  return {
    seconds: of(({ seconds }) => seconds),
    trainSeconds: of(({ trainSeconds }) => trainSeconds),
    peakMiB: isKnown ? of(({ peakMiB }) => peakMiB!) : undefined,
    validationAccuracy: of(({ validationAccuracy }) => validationAccuracy),
    testAccuracy: of(({ testAccuracy }) => testAccuracy),
    testMacroF1: of(({ testMacroF1 }) => testMacroF1),
  };
}

/** The table's rows for the example; `heldOut` is the number of rows that accuracies are measured on. */
export function compareRuns(
  ours: WholeRun,
  peer: { readonly name: string; readonly run: WholeRun } | undefined,
  heldOut: number,
): readonly Measurement[] {
  const row = (
    what: string,
    pick: (run: WholeRun) => number | undefined,
    unit: Quantity["unit"],
    goalOf?: (ours: number, theirs: number) => Goal,
  ): readonly Measurement[] => {
    const [mine, theirs] = [pick(ours), peer && pick(peer.run)];
    if (mine === undefined) return [];
    const found: Measurement = { what, ours: { value: mine, unit } };
    if (peer === undefined || theirs === undefined) return [found];
    const beside = { ...found, peer: { name: peer.name, value: theirs, unit } };
    return [goalOf === undefined ? beside : { ...beside, goal: goalOf(mine, theirs) }];
  };
  const faster = (mine: number, theirs: number) => ({
    text: "at least 1.5x as fast",
    isReached: theirs / mine >= 1.5,
  });
  const noMore = (mine: number, theirs: number) => ({ text: "no more", isReached: mine <= theirs });
  const noWorse = (mine: number, theirs: number) => {
    const error = Math.sqrt((theirs * (1 - theirs)) / heldOut);
    return {
      text: `no worse (standard error ${error.toFixed(3)})`,
      isReached: mine >= theirs - error,
    };
  };
  return [
    ...row("the example, whole run", ({ seconds }) => seconds, "s", faster),
    ...row("its training alone", ({ trainSeconds }) => trainSeconds, "s"),
    ...row("its peak memory", ({ peakMiB }) => peakMiB, "MiB", noMore),
    ...row("its validation accuracy", (run) => run.validationAccuracy, "", noWorse),
    ...row("its test accuracy", ({ testAccuracy }) => testAccuracy, "", noWorse),
    ...row("its test macro F1", ({ testMacroF1 }) => testMacroF1, "", noWorse),
  ];
}
