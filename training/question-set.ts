/** A question of which the answer is looked for in a context. */
export interface AskedQuestion {
  readonly id: string;
  readonly context: string;
  /** Texts of the context, each right; none where it has no answer. */
  readonly answers: readonly string[];
}

/** The questions that rows of token ids ask, each in one row or, where its context is long, in several that follow each other. */
export interface QuestionSet {
  readonly asked: readonly AskedQuestion[];
  /** For each row the number of its question. */
  readonly ofRow: Uint32Array;
  /** For each token where it stands in the context, in UTF-16 code units; both 0 where it does not. */
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
}
