/** Half-open range of UTF-16 offsets into a source text. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A text that diagnostics point into: the path as the user wrote it, and the whole content. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** One thing that is wrong in a file the user wrote, with its place and what to do about it. */
export interface Diagnostic {
  /** Stable, searchable, kebab-case: `unknown-key`, `unknown-stage`, `cycle`, … */
  readonly code: string;
  readonly message: string;
  readonly file: SourceText;
  readonly range: Range;
  readonly hint?: string;
}

/** An expected failure without a place in a source file: a stage's, the cache's, the command line's. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/**
 * Thrown inside a stage's `run` for what a user can cause (wrong data, an unreadable checkpoint). The host turns
 * it into a `Problem` value at the process boundary; any other throw counts as a bug or a crash.
 */
export class StageFailure extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = "StageFailure";
    this.problem = problem;
  }
}
