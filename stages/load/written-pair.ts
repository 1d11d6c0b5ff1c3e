import { StageFailure } from "../../engine/diagnostic.ts";
import type { Row } from "../artifacts/dataset.ts";

/** Where what is to be written comes from, and what it is to the text: its completion, or its target. */
export interface AnswerColumn {
  readonly field: "completion" | "target";
  readonly column: string;
}

/** A prompt and its completion, or a source and its target, in two cells of a row; neither may be blank. */
export function writtenPair(
  place: string,
  cells: ReadonlyMap<string, string>,
  { text, field, column }: AnswerColumn & { readonly text: string },
): Pick<Row, "text" | "completion" | "target"> {
  const names = { [text]: field === "completion" ? "prompt" : "source", [column]: field };
  for (const [name, part] of Object.entries(names))
    if ((cells.get(name) ?? "").trim() === "") throw emptyPart(place, name, part);
  return { text: cells.get(text)!, [field]: cells.get(column)! };
}

function emptyPart(place: string, column: string, part: string): StageFailure {
  return new StageFailure({
    code: `empty-${part}`,
    message: `${place}: "${column}" is empty, so the row has no ${part}.`,
    hint: `give every row a ${part}, or take the row out of the file`,
  });
}
