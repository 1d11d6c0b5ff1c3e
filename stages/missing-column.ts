import { StageFailure } from "../engine/diagnostic.ts";
import { nearestName } from "../engine/pipeline/did-you-mean.ts";

/** Fails unless all wanted columns are among the names. */
export function requireColumns(
  place: string,
  names: readonly string[],
  wanted: readonly string[],
): void {
  for (const column of wanted)
    if (!names.includes(column)) throw missingColumn(place, column, names);
}

/** The failure of a column that is not there; says which name comes nearest, and all there are. */
export function missingColumn(
  place: string,
  column: string,
  names: readonly string[],
): StageFailure {
  const nearest = nearestName(column, names);
  const all = names.length === 0 ? "there are no columns" : `the columns are: ${names.join(", ")}`;
  return new StageFailure({
    code: "missing-column",
    message: `${place}: there is no column "${column}".`,
    hint: nearest === undefined ? all : `did you mean "${nearest}"? ${all}`,
  });
}
