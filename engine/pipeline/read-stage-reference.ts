/** What a reference to a stage says: `train`, `tokens.test`, `train[seed=1].model`. */
export interface StageReference {
  readonly stage: string;
  /** Values by axis that the members which are meant have. */
  readonly values: ReadonlyMap<string, string>;
  /** What follows the stage: a port, a split, both or nothing. */
  readonly rest: readonly string[];
}

const FORM = /^([^[\].\s]+)(?:\[([^[\]]*)\])?((?:\.[^[\].\s]+){0,2})$/;
const VALUE = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(\S+)\s*$/;

/** Reads a reference; undefined where the text has not its form. */
export function readStageReference(text: string): StageReference | undefined {
  const [, stage, filter, rest = ""] = FORM.exec(text) ?? [];
  if (stage === undefined) return undefined;
  const values = new Map<string, string>();
  for (const part of filter === undefined ? [] : filter.split(",")) {
    const [, axis, value] = VALUE.exec(part) ?? [];
    if (axis === undefined || value === undefined) return undefined;
    values.set(axis, value);
  }
  return { stage, values, rest: rest.split(".").slice(1) };
}
