import { Composer, type Document, Lexer, Parser } from "yaml";
import type { SourceText } from "../diagnostic.ts";
import { convertDocument } from "./convert-document.ts";
import type { Finding, Report } from "./report.ts";
import type { SourceNode } from "./source-node.ts";
import { explainSyntaxErrors } from "./syntax-errors.ts";

const MAX_DEPTH = 64;
const MAX_KEYS = 10_000;
const MAX_VALUES = 50_000;

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
  const tokens = [];
  let keys = 0;
  let values = 0;
  for (const lexeme of new Lexer().lex(text)) {
    const at = parser.offset;
    tokens.push(...parser.next(lexeme));
    if (lexeme === ":" || lexeme === "?") keys += 1;
    if (lexeme === "," || lexeme === "-") values += 1;
    const limit = passedLimit(parser.stack.length - 2, keys, values + keys);
    if (limit !== undefined) {
      report({ ...limit, place: { file, range: { start: at, end: parser.offset } } });
      return undefined;
    }
  }
  tokens.push(...parser.end());
  return tokens;
}

function passedLimit(
  depth: number,
  keys: number,
  values: number,
): Omit<Finding, "place"> | undefined {
  if (depth > MAX_DEPTH) {
    const message = `Lists and maps are nested deeper than ${MAX_DEPTH} levels here.`;
    return {
      code: "nested-too-deep",
      message,
      hint: "is a bracket or an indentation left open above?",
    };
  }
  if (keys > MAX_KEYS || values > MAX_VALUES) {
    const message = `The file has more than ${keys > MAX_KEYS ? `${MAX_KEYS} keys` : `${MAX_VALUES} values`}.`;
    const hint = "keep data in files of their own and name them in the pipeline";
    return { code: "too-many-values", message, hint };
  }
  return undefined;
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
