import type { LogEntry } from "./trainer-state.ts";

/** What one optimizer step gave. */
export interface StepRecord {
  /** Of the step's rows, before it. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Without padding. */
  readonly tokens: number;
}

/** Metrics of one evaluation by their names, without `eval_`. */
export type Metrics = Readonly<Record<string, number>>;

/**
 * All that a training has measured, step by step. Logs, sums, the best model and early stopping follow
 * from it alone, so that a training which goes on from a checkpoint tells what a straight one would.
 */
export class History {
  /** Of step 1, 2, … */
  readonly steps: StepRecord[] = [];
  /** By the number of steps done; 0 is the model before the first. */
  readonly evaluations = new Map<number, Metrics>();

  /** Tokens without padding. */
  get tokens(): number {
    return this.steps.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  get meanLoss(): number {
    return sumOfLosses(this.steps) / this.steps.length;
  }

  /** Entries as in Trainer's log_history: a mean loss each `logging_steps`, and each evaluation. */
  log(stepsPerEpoch: number, { logging_steps }: { readonly logging_steps: number }): LogEntry[] {
    const entries: LogEntry[] = [];
    for (let step = 0; step <= this.steps.length; step++) {
      const epoch = step / stepsPerEpoch;
      if (step > 0 && step % logging_steps === 0) {
        const { gradNorm, learningRate } = this.steps[step - 1]!;
        const loss = sumOfLosses(this.steps.slice(step - logging_steps, step)) / logging_steps;
        entries.push({ epoch, grad_norm: gradNorm, learning_rate: learningRate, loss, step });
      }
      const metrics = this.evaluations.get(step);
      if (metrics !== undefined) entries.push({ epoch, ...prefixed(metrics), step });
    }
    return entries;
  }

  /** One line of JSON for each step and each evaluation: metrics.jsonl. */
  toLines(stepsPerEpoch: number): string {
    const evaluationOf = (step: number) => {
      const metrics = this.evaluations.get(step);
      return metrics ? [{ step, epoch: step / stepsPerEpoch, ...prefixed(metrics) }] : [];
    };
    const steps = this.steps.flatMap(({ loss, gradNorm, learningRate, tokens }, index) => {
      const step = index + 1;
      const rates = { grad_norm: gradNorm, learning_rate: learningRate };
      return [{ step, epoch: step / stepsPerEpoch, loss, ...rates, tokens }, ...evaluationOf(step)];
    });
    const lines = [...evaluationOf(0), ...steps];
    return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  /** What `toLines` wrote; a SyntaxError for anything else. */
  static fromLines(text: string): History {
    const history = new History();
    for (const line of text.trimEnd().split("\n")) {
      if (line === "") continue;
      const { step, epoch: _, ...values } = JSON.parse(line) as LogEntry;
      const { loss, grad_norm: gradNorm, learning_rate: learningRate, tokens } = values;
      if (loss === undefined) history.evaluations.set(step, unprefixed(values));
      else if (gradNorm === undefined || learningRate === undefined || tokens === undefined)
        throw new SyntaxError(`step ${step} lacks a number`);
      else if (history.steps.push({ loss, gradNorm, learningRate, tokens }) !== step)
        throw new SyntaxError(`step ${step} is in a wrong place`);
    }
    return history;
  }
}

function sumOfLosses(steps: readonly StepRecord[]): number {
  return steps.reduce((sum, { loss }) => sum + loss, 0);
}

function prefixed(metrics: Metrics): Record<string, number> {
  const names = Object.keys(metrics).sort();
  return Object.fromEntries(names.map((name) => [`eval_${name}`, metrics[name]!]));
}

function unprefixed(values: Metrics): Metrics {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.replace(/^eval_/, ""), value]),
  );
}
