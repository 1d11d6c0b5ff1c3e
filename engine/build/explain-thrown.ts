import { fileURLToPath } from "node:url";
import type { Problem } from "../diagnostic.ts";
import type { OwnRequest } from "./host-protocol.ts";

/** The query that marks the URLs of a user's own code. */
export const OWN_QUERY = "tunesmith";

const FRAME = new RegExp(`(file://[^\\s?()]+)\\?${OWN_QUERY}:(\\d+)(?::(\\d+))?`);

/** What a user's own stage threw, with its place in their code; the whole stack goes to the log. */
export function explainThrown(
  error: unknown,
  { path, code }: OwnRequest,
  log: (line: string) => void,
): Problem {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const line of stack.replaceAll(`?${OWN_QUERY}`, "").split("\n")) if (line !== "") log(line);
  const frame = FRAME.exec(stack);
  const at = frame === null ? `${path}:${code.runsAt}` : placeOf(frame);
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const isMissingExport = what.includes("does not provide an export named");
  return {
    code: "own-stage-failed",
    message: `${at} ${what}`,
    ...(isMissingExport && {
      hint: "write import type { … } for a type: nothing is left of it when it runs",
    }),
  };
}

function placeOf([, url = "", line, column]: RegExpExecArray): string {
  return [fileURLToPath(url), line, column].filter((part) => part !== undefined).join(":");
}
