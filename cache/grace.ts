/** How long what was used stays out of reach of a collection, whoever used it. */
export interface GraceOptions {
  /** A use that is younger than half of it is not noted again. @default 10 minutes */
  readonly graceMilliseconds?: number;
}

/** Long enough for any stage to get from its first blob to its trace, where nothing says that it runs. */
export const defaultGrace = 600_000;
