import { Composer, type CST, type Document, Lexer, Parser } from "yaml";
import type { SourceText } from "../diagnostic.ts";
import { convertDocument } from "./convert-document.ts";
import type { Finding, Report } from "./report.ts";
import type { SourceNode } from "./source-node.ts";
import { explainSyntaxErrors } from "./syntax-errors.ts";

const MAX_DEPTH = 64;
const MAX_KEYS = 10_000;
const MAX_VALUES = 50_000;
/** `yaml` takes time in the square of the number of comments and errors. */
const MAX_LEXEMES = 150_000;

// `uniqueKeys` compares every key with every other: 50,000 keys take half a minute. Keys are checked on conversion.
const OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  uniqueKeys: false,
  resolveKnownTags: false,
  keepSourceTokens: false,
  logLevel: "silent",
} as const;

type ParsedDocument = Document.Parsed;

/**
 * The one document of a YAML 1.2 text as nodes with places. Reports everything that is wrong with it and gives
 * undefined then. Depth and number of values are limited while reading, before `yaml` builds anything from them. The
 * document may begin at an offset: what stands before counts as white space.
 */
export function parse(file: SourceText, report: Report, offset = 0): SourceNode | undefined {
  const tokens = tokenize(file, offset, report);
  if (tokens === undefined) return undefined;
  const documents = [...new Composer(OPTIONS).compose(tokens, true, file.text.length)];
  const errors = documents.flatMap((document) => document.errors);
  if (errors.length > 0) {
    for (const finding of explainSyntaxErrors(errors, file)) report(finding);
    return undefined;
  }
  const [document, second] = documents as [ParsedDocument, ...ParsedDocument[]];
  if (second !== undefined) {
    report(severalDocuments(second, file));
    return undefined;
  }
  return convertDocument(document, { file, maxValues: MAX_VALUES }, report);
}

/** The concrete syntax tree, or undefined when a limit is passed: `yaml` recurses, so depth must be cut before it. */
function tokenize(file: SourceText, offset: number, report: Report) {
  const text = " ".repeat(offset) + file.text.slice(offset);
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const counts = { depth: 0, keys: 0, values: 0, lexemes: 0 };
  for (const lexeme of new Lexer().lex(text)) {
    const at = parser.offset;
    for (const token of parser.next(lexeme)) tokens.push(token);
    counts.lexemes += 1;
    counts.depth = depthOf(parser);
    if (lexeme === ":" || lexeme === "?") counts.keys += 1;
    else if (lexeme === "," || lexeme === "-") counts.values += 1;
    const limit = passedLimit(counts);
    if (limit !== undefined) {
      report({ ...limit, place: { file, range: { start: at, end: parser.offset } } });
      return undefined;
    }
  }
  tokens.push(...parser.end());
  return tokens;
}

/** Lists and maps that are open; what the parser has on top may be a scalar. */
function depthOf({ stack }: Parser): number {
  const top = stack.at(-1);
  return stack.length - (top === undefined || "items" in top ? 1 : 2);
}

interface Counts {
  readonly depth: number;
  readonly keys: number;
  readonly values: number;
  readonly lexemes: number;
}

function passedLimit(counts: Counts): Omit<Finding, "place"> | undefined {
  if (counts.depth > MAX_DEPTH) {
    const message = `Lists and maps are nested deeper than ${MAX_DEPTH} levels here.`;
    const hint = "is a bracket or an indentation left open above?";
    return { code: "nested-too-deep", message, hint };
  }
  let passed: string | undefined;
  if (counts.keys > MAX_KEYS) passed = `${MAX_KEYS} keys`;
  else if (counts.keys + counts.values > MAX_VALUES) passed = `${MAX_VALUES} values`;
  else if (counts.lexemes > MAX_LEXEMES) passed = `${MAX_LEXEMES} words and signs`;
  if (passed === undefined) return undefined;
  const hint = "keep data in files of their own and name them in the pipeline";
  return { code: "too-many-values", message: `The file has more than ${passed}.`, hint };
}

function severalDocuments(second: ParsedDocument, file: SourceText): Finding {
  const start = Math.min(second.range[0], file.text.length);
  const separator = file.text.lastIndexOf("---", start);
  const range = separator < 0 ? { start, end: start } : { start: separator, end: separator + 3 };
  return {
    code: "several-documents",
    message: "A second YAML document starts here; a pipeline file holds one.",
    place: { file, range },
    hint: 'put the other pipeline into a file of its own, or delete the line "---"',
  };
}
