import { basename } from "node:path";
import { nearestName } from "./did-you-mean.ts";

/** What to say about a path that does not exist: who writes it, which name was meant, or how paths are read. */
export function explainMissing(
  written: string,
  {
    siblings,
    producer,
  }: {
    readonly siblings: readonly string[];
    readonly producer?: { readonly stage: string } | undefined;
  },
): string {
  if (producer !== undefined) {
    return `it is written by the stage "${producer.stage}": read that with "in", not by its path`;
  }
  const name = basename(written);
  const nearest = nearestName(name, siblings);
  if (nearest !== undefined) return `did you mean "${written.slice(0, -name.length)}${nearest}"?`;
  if (written.startsWith("~")) return 'the home folder cannot be written as "~"';
  if (written.includes("\\")) return `write "/" between folders: ${written.replaceAll("\\", "/")}`;
  if (/[*?[]/.test(written)) return "name each file: patterns are not known here";
  return "paths start from the pipeline file's folder";
}
