import type { ArtifactType } from "../../engine/artifact.ts";
import { areArtifactPaths, isArtifactPath } from "../../engine/artifact-path.ts";
import { type Dataset, isRow, type Row } from "../artifacts/dataset.ts";
import { labelsProblem } from "../artifacts/token-labels.ts";
import type { Tokens } from "../artifacts/tokens.ts";
import { ContentIds } from "../content-ids.ts";

/** What an own stage gave at a port, in the form in which its type is written; what is wrong with it is thrown, in words. */
export function ownOutput(type: ArtifactType<unknown>, given: unknown): unknown {
  switch (type.name) {
    case "dataset":
      return datasetOf(given);
    case "folder":
    case "model":
      return { files: filesOf(given) };
    case "tokenizer": {
      const bytes = [...filesOf(given)].map(([path, content]) => [path, Buffer.from(content)]);
      return new Map(bytes as [string, Uint8Array][]);
    }
    case "report":
      if (JSON.stringify(given) === undefined) throw new WrongOutput("is no JSON value");
      return given;
    case "tokens":
      requireObject(type, given);
      requireLabels(given as Tokens);
      return given;
    default:
      requireObject(type, given);
      return given;
  }
}

/** What an own stage gave is not what its port declares: the message goes on after the port's name. */
export class WrongOutput extends Error {}

function datasetOf(given: unknown): Dataset {
  if (!isMap(given))
    throw new WrongOutput("must be rows by split, such as { train: [{ text: … }] }");
  return {
    splits: new Map(Object.entries(given).map(([split, rows]) => [split, rowsOf(split, rows)])),
  };
}

function rowsOf(split: string, given: unknown): readonly Row[] {
  if (!isArtifactPath(split) || split.includes("/"))
    throw new WrongOutput(`has a split called "${split}", which no folder can be`);
  if (!Array.isArray(given)) throw new WrongOutput(`must have a list of rows in split "${split}"`);
  const made = new ContentIds();
  const ids = new Set<string>();
  return given.map((row: unknown, i) => {
    const whole = isMap(row) ? withId(row, made) : row;
    const where = `row ${i + 1} of split "${split}"`;
    if (!isRow(whole))
      throw new WrongOutput(
        `is wrong in ${where}: a row has a "text", and may have a "label", "words" with "tags", and "columns" of texts`,
      );
    if (ids.has(whole.id)) throw new WrongOutput(`has the id "${whole.id}" again in ${where}`);
    ids.add(whole.id);
    return whole;
  });
}

function withId(row: Readonly<Record<string, unknown>>, made: ContentIds): unknown {
  const whole: Readonly<Record<string, unknown>> = { columns: {}, ...row };
  const isNew = whole.id === undefined && isRow({ ...whole, id: "" });
  return isNew ? { ...whole, id: made.take(whole as unknown as Row) } : whole;
}

function requireObject(type: ArtifactType<unknown>, given: unknown): void {
  if (typeof given !== "object" || given === null)
    throw new WrongOutput(`must be the value of a ${type.name} artifact`);
}

function requireLabels({ splits, facts }: Tokens): void {
  if (!(splits instanceof Map) || typeof facts !== "object" || facts === null)
    throw new WrongOutput("must be the value of a tokens artifact");
  for (const [name, split] of splits) {
    const problem = labelsProblem(split, facts.vocab_size);
    if (problem !== undefined) throw new WrongOutput(`is wrong in split "${name}": it ${problem}`);
  }
}

function filesOf(given: unknown): ReadonlyMap<string, string | Uint8Array> {
  if (!isMap(given)) throw new WrongOutput("must be files by path");
  const files = Object.entries(given);
  for (const [path, content] of files) {
    if (!isArtifactPath(path))
      throw new WrongOutput(`has a file "${path}", whose path leads elsewhere or cannot be one`);
    if (typeof content !== "string" && !(content instanceof Uint8Array))
      throw new WrongOutput(`must have text or bytes in the file "${path}"`);
  }
  if (!areArtifactPaths(files.map(([path]) => path)))
    throw new WrongOutput("has two paths that are one where case does not count");
  return new Map(files as [string, string | Uint8Array][]);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
