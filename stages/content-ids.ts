import { createHash } from "node:crypto";
import type { Row } from "./artifacts/dataset.ts";

/** Gives rows ids of their content: the same row has the same one wherever it stands; `-2`, `-3` are added for repeats. */
export class ContentIds {
  readonly #repeats = new Map<string, number>();

  take({ text, label, columns, ...others }: Omit<Row, "id">): string {
    const { words, tags, completion, target, messages, labels, numbers, question, answers } =
      others;
    const content = [words, tags, completion, target, messages, labels, numbers, question, answers];
    const more = content.filter((one) => one !== undefined);
    const known = JSON.stringify([text, label ?? null, Object.entries(columns), ...more]);
    const digest = createHash("sha256").update(known).digest("hex").slice(0, 16);
    const repeat = (this.#repeats.get(digest) ?? 0) + 1;
    this.#repeats.set(digest, repeat);
    return repeat === 1 ? digest : `${digest}-${repeat}`;
  }
}
