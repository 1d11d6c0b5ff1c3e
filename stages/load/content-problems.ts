import type { ParamsProblem } from "../../engine/stage.ts";
import type { LoadParams } from "./load-params.ts";

type Names = readonly (keyof LoadParams)[];

/** Columns that are of use together only. */
const TOGETHER = [
  ["words", "tags"],
  ["prompt", "completion"],
  ["source", "target"],
  ["question", "context", "answers"],
] as const satisfies readonly Names[];

/** What a text as a whole is to be given: of one kind. */
const TARGETS = ["label", "labels", "numbers"] as const satisfies Names;

/** What is wrong with the columns of a row's content: one of several alone, two kinds of content or of labels. */
export function contentProblems(params: LoadParams): ParamsProblem[] {
  const alone = TOGETHER.flatMap((names) => missingProblems(params, names));
  const kinds = [...TOGETHER.map(([one]) => one), "messages" as const];
  const contents = alone.length > 0 ? [] : oneKindProblems(params, kinds, "content");
  const separator =
    params.label_separator !== undefined && params.labels === undefined
      ? missingProblems(params, ["label_separator", "labels"])
      : [];
  return [...alone, ...contents, ...separator, ...oneKindProblems(params, TARGETS, "labels")];
}

function missingProblems(params: LoadParams, names: Names): ParamsProblem[] {
  const given = names.find((name) => params[name] !== undefined);
  const missing = names.find((name) => params[name] === undefined);
  if (given === undefined || missing === undefined) return [];
  return [
    {
      at: [given],
      code: `${names[0]}-without-${names[1]}`,
      message: `"${given}" is given without "${missing}".`,
      hint: `name the column of the ${missing} too`,
    },
  ];
}

function oneKindProblems(params: LoadParams, names: Names, what: string): ParamsProblem[] {
  const [first, second] = names.filter((name) => params[name] !== undefined);
  if (first === undefined || second === undefined) return [];
  const message = `"${second}" is given beside "${first}"; a row has ${what} of one kind.`;
  const hint = `leave out "${second}" or "${first}"`;
  return [{ at: [second], code: "two-kinds-of-rows", message, hint }];
}
