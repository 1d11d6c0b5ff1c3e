import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Diagnostic } from "../../engine/diagnostic.ts";
import { analyze } from "../../engine/pipeline/analyze.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { locate } from "../../engine/render-diagnostic.ts";
import type { Result } from "../../engine/result.ts";
import { plainKinds } from "./plain-kinds.ts";

/** What a test adds to a pipeline text. */
export interface AnalyzeSetting {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly overrides?: readonly string[];
}

/** Analyzes a text as the file `test.tune.yaml` with the kinds of plain-kinds.ts. */
export function analyzeText(
  text: string | Uint8Array,
  { folder = tmpdir(), environment = {}, overrides = [] }: AnalyzeSetting = {},
): Promise<Result<Pipeline, readonly Diagnostic[]>> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const path = join(folder, "test.tune.yaml");
  const shown = "test.tune.yaml";
  return analyze({ path, shown, bytes, kinds: plainKinds, environment, overrides });
}

/** The pipeline of a text; throws with the messages where there are errors. */
export async function pipelineOf(text: string, setting: AnalyzeSetting = {}): Promise<Pipeline> {
  const analyzed = await analyzeText(text, setting);
  if (analyzed.ok) return analyzed.value;
  throw new Error(analyzed.error.map(({ message }) => message).join("\n"));
}

/** The errors' codes, each once, in their order. */
export async function codesOf(
  text: string | Uint8Array,
  setting: AnalyzeSetting = {},
): Promise<readonly string[]> {
  const analyzed = await analyzeText(text, setting);
  return analyzed.ok ? [] : [...new Set(analyzed.error.map(({ code }) => code))];
}

/** Each error as `line:column code text`, the text being what it points at. */
export async function placesOf(
  text: string,
  setting: AnalyzeSetting = {},
): Promise<readonly string[]> {
  const analyzed = await analyzeText(text, setting);
  if (analyzed.ok) return [];
  return analyzed.error.map(({ code, file, range }) => {
    const { line, column } = locate(file.text, range);
    return `${line}:${column} ${code} ${file.text.slice(range.start, range.end)}`;
  });
}
