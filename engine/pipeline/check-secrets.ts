import type { SourceText } from "../diagnostic.ts";
import { secretsFrom } from "../secrets.ts";
import type { Report } from "./report.ts";
import { type MapNode, valueAt } from "./source-node.ts";
import type { Environment } from "./variables.ts";

/** The names in a file's `secrets`, as far as they are texts. */
export function secretNames(root: MapNode): readonly string[] {
  const list = valueAt(root, "secrets");
  if (list?.kind !== "list") return [];
  return list.items.flatMap((item) => (item.kind === "scalar" ? [String(item.value)] : []));
}

/** Says that a secret cannot be a value of the file. */
export function explainSecret(name: string) {
  return {
    code: "secret-as-value",
    message: `${name} is a secret: as a value it would be written into the lockfile.`,
    hint: `a command gets it by its name: env: [${name}]`,
  };
}

/** Reports secrets whose values stand in the file itself. The message does not show them. */
export function checkSecrets(
  names: readonly string[],
  environment: Environment,
  file: SourceText,
  report: Report,
): void {
  for (const [name, value] of secretsFrom(names, environment)) {
    if (!file.text.includes(value)) continue;
    // Where it is listed: the line of the value itself would be shown with the message.
    const start = file.text.indexOf(name);
    const range = { start, end: start + name.length };
    const message = `The value of the secret ${name} stands in the file.`;
    const hint = "remove it, and treat it as known to others: version control may have it";
    report({ code: "secret-in-file", message, place: { file, range }, hint });
  }
}
