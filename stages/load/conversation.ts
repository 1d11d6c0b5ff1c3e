import { StageFailure } from "../../engine/diagnostic.ts";
import { isMessage, type Row } from "../artifacts/dataset.ts";

/**
 * A conversation in a cell of a row: a JSON list of messages, each with a role and a content, the other keys as they
 * are. The text is then all that is said in it, a line each.
 */
export function conversation(
  place: string,
  cells: ReadonlyMap<string, string>,
  column: string,
): Pick<Row, "text" | "messages"> {
  const messages = parsed(cells.get(column) ?? "");
  if (!Array.isArray(messages) || messages.length === 0)
    throw wrong(place, `"${column}" is no list of messages`);
  const odd = messages.findIndex((message) => !isMessage(message));
  if (odd >= 0)
    throw wrong(place, `message ${odd + 1} of "${column}" has no role and content that are texts`);
  if (!messages.some(({ role }) => role === "assistant"))
    throw wrong(place, `"${column}" has no message of the role assistant`);
  return { text: messages.map(({ content }) => content).join("\n"), messages };
}

function parsed(cell: string): unknown {
  try {
    return JSON.parse(cell);
  } catch {
    return undefined;
  }
}

function wrong(place: string, message: string): StageFailure {
  return new StageFailure({
    code: "not-a-conversation",
    message: `${place}: ${message}.`,
    hint: 'write a list such as [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]',
  });
}
