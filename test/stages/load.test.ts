import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { load } from "../../stages/load/load.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

/** Loads one file of the given content; `files` defaults to it. */
async function loadFile(
  t: TestContext,
  name: string,
  content: string | Uint8Array,
  params: object = {},
) {
  const folder = await temporaryFolder(t, { [name]: content });
  return runStage(load, { params: { files: join(folder, name), ...params } });
}

test("a CSV with a label: rows, other columns sorted, content ids, report and metrics", async (t) => {
  const csv = 'source,text,label\na,"Hello, ""world""\nagain",x\n\nb,Bye,y\nb,Bye,y\n';
  const { files, outputs, metrics } = await loadFile(t, "rows.csv", csv, { label: "label" });
  assert.deepEqual(files.dataset.texts(), {
    "train/rows.jsonl":
      '{"id":"6c9e4caff43c89ed","text":"Hello, \\"world\\"\\nagain","label":"x","columns":{"source":"a"}}\n' +
      '{"id":"58f255520b134475","text":"Bye","label":"y","columns":{"source":"b"}}\n' +
      '{"id":"58f255520b134475-2","text":"Bye","label":"y","columns":{"source":"b"}}\n',
  });
  assert.deepEqual(outputs.report, {
    rows: 3,
    splits: { train: 3 },
    labels: { x: 1, y: 2 },
    columns: ["source"],
    empty_texts: 0,
    files: [{ split: "train", format: "csv", rows: 3, blank_lines_skipped: 1 }],
  });
  assert.deepEqual(metrics, { rows: 3, labels: 2 });
});

test("the order of columns, CRLF and a byte order mark change nothing", async (t) => {
  const plain = await loadFile(t, "a.csv", "text,x,y\nhé,1,2\n");
  const other = await loadFile(t, "b.csv", "\ufeffy,x,text\r\n2,1,hé\r\n");
  assert.deepEqual(other.files.dataset.texts(), plain.files.dataset.texts());
});

test("content ids stay when rows are added before", async (t) => {
  const before = await loadFile(t, "a.csv", "text\none\ntwo\n");
  const after = await loadFile(t, "a.csv", "text\nnew\none\ntwo\n");
  const ids = (loaded: typeof before) =>
    loaded.outputs.dataset.splits.get("train")!.map(({ id }) => id);
  assert.deepEqual(ids(after).slice(1), ids(before));
});

test("columns named like object members are plain columns", async (t) => {
  const { files } = await loadFile(t, "a.csv", "text,__proto__,constructor,2,1\na,b,c,d,e\n", {
    id: "2",
  });
  assert.deepEqual(files.dataset.texts(), {
    "train/rows.jsonl":
      '{"id":"d","text":"a","columns":{"1":"e","__proto__":"b","constructor":"c"}}\n',
  });
});

test("TSV: quotes mean nothing; another delimiter in CSV", async (t) => {
  const tsv = await loadFile(t, "a.tsv", 'text\tn\n"quoted" and 15" wide\t1\n');
  const csv = await loadFile(t, "a.csv", 'text;n\n"""quoted"" and 15"" wide";1\n', {
    delimiter: ";",
  });
  assert.equal(tsv.outputs.dataset.splits.get("train")![0]!.text, '"quoted" and 15" wide');
  assert.deepEqual(csv.files.dataset.texts(), tsv.files.dataset.texts());
});

test("JSON Lines: numbers and booleans become strings, null an empty cell, lists their JSON", async (t) => {
  const lines = '{"text":"a","label":1,"id":7,"ok":true,"none":null,"tags":["x",{"y":2}]}\n\n';
  const { files, outputs } = await loadFile(t, "a.jsonl", lines, { label: "label", id: "id" });
  assert.deepEqual(files.dataset.texts(), {
    "train/rows.jsonl":
      '{"id":"7","text":"a","label":"1","columns":{"none":"","ok":"true","tags":"[\\"x\\",{\\"y\\":2}]"}}\n',
  });
  assert.deepEqual((outputs.report as { files: unknown }).files, [
    { split: "train", format: "jsonl", rows: 1, blank_lines_skipped: 1 },
  ]);
});

test("text files: a line a row, blank lines skipped and counted, no line break needed at the end", async (t) => {
  const { outputs } = await loadFile(t, "a.txt", "one\r\n\n  \n two ");
  const texts = outputs.dataset.splits.get("train")!.map(({ text }) => text);
  assert.deepEqual(texts, ["one", " two "]);
  assert.deepEqual((outputs.report as { files: unknown }).files, [
    { split: "train", format: "txt", rows: 2, blank_lines_skipped: 2 },
  ]);
});

test("a map of splits, one of them from two files", async (t) => {
  const folder = await temporaryFolder(t, { "a.txt": "a", "b.txt": "b", "c.txt": "a" });
  const params = {
    files: { train: [join(folder, "a.txt"), join(folder, "b.txt")], test: join(folder, "c.txt") },
  };
  const { files } = await runStage(load, { params });
  assert.deepEqual(files.dataset.texts(), {
    "test/rows.jsonl": '{"id":"7309aa866a42d924","text":"a","columns":{}}\n',
    "train/rows.jsonl":
      '{"id":"7309aa866a42d924","text":"a","columns":{}}\n{"id":"439eaf41b288a184","text":"b","columns":{}}\n',
  });
  assert.deepEqual(load.parts!(paramsOf(load, params), {}), { dataset: ["train", "test"] });
});

const broken: readonly {
  readonly title: string;
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly params?: object;
  readonly problem: { readonly code: string; readonly message: string; readonly hint?: string };
}[] = [
  {
    title: "a missing column",
    name: "a.csv",
    content: "text,secton\na,b\n",
    params: { label: "section" },
    problem: {
      code: "missing-column",
      message: 'FILE:1: there is no column "section".',
      hint: 'did you mean "secton"? the columns are: text, secton',
    },
  },
  {
    title: "a column named twice",
    name: "a.csv",
    content: "text,a,a\n1,2,3\n",
    problem: {
      code: "duplicate-column",
      message: 'FILE:1: the header names the column "a" twice.',
      hint: "give each column a name of its own",
    },
  },
  {
    title: "a row with a cell too many",
    name: "a.csv",
    content: "text,b\n1,2\n\n3,4,5\n",
    problem: {
      code: "ragged-row",
      message: "FILE:4: this row has 3 cells, the header has 2.",
      hint: "a cell that holds the delimiter must be in double quotes",
    },
  },
  {
    title: "a row with a cell too few",
    name: "a.tsv",
    content: "text\tb\n1\n",
    problem: {
      code: "ragged-row",
      message: "FILE:2: this row has 1 cell, the header has 2.",
      hint: "a cell that holds the delimiter must be in double quotes",
    },
  },
  {
    title: "an empty file",
    name: "a.csv",
    content: "",
    problem: {
      code: "no-rows",
      message: "FILE: the file is empty.",
      hint: "a csv or tsv file needs a header and at least one row; other files at least one line",
    },
  },
  {
    title: "only a header",
    name: "a.csv",
    content: "text,label\n",
    problem: {
      code: "no-rows",
      message: "FILE: the file has no rows.",
      hint: "a csv or tsv file needs a header and at least one row; other files at least one line",
    },
  },
  {
    title: "an unclosed quote",
    name: "a.csv",
    content: 'text,b\n1,2\n"3,4\n5,6\n',
    problem: {
      code: "unclosed-quote",
      message: "FILE:3: a quote opened in the row that begins here is never closed.",
      hint: 'inside a quoted cell a double quote is written twice: ""',
    },
  },
  {
    title: "a quote inside an unquoted cell",
    name: "a.csv",
    content: 'text,b\n15" wide,2\n',
    problem: {
      code: "stray-quote",
      message: "FILE:2: a double quote stands inside cell 1.",
      hint: 'a cell that holds a double quote must be in double quotes, and the quote inside it written twice: ""',
    },
  },
  {
    title: "more after a closing quote",
    name: "a.csv",
    content: 'text,b\n1,"2"x\n',
    problem: {
      code: "stray-quote",
      message: "FILE:2: a double quote stands inside cell 2.",
      hint: 'a cell that holds a double quote must be in double quotes, and the quote inside it written twice: ""',
    },
  },
  {
    title: "a byte that is not UTF-8",
    name: "a.csv",
    content: Buffer.from("text\nna\u00efve\n\u00e9t\u00e9\n", "latin1"),
    problem: {
      code: "not-utf-8",
      message: "FILE:2: the byte at offset 7 is not UTF-8.",
      hint: "convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
    },
  },
  {
    title: "a character cut at the end of the file",
    name: "a.txt",
    content: Buffer.from("one\ntwo \u20ac").subarray(0, -1),
    problem: {
      code: "not-utf-8",
      message: "FILE:2: the byte at offset 8 is not UTF-8.",
      hint: "convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
    },
  },
  {
    title: "UTF-16",
    name: "a.csv",
    content: Buffer.from("text\na\n", "utf16le"),
    problem: {
      code: "nul-byte",
      message: "FILE:1: there is a NUL byte at offset 1; this is not a UTF-8 text file.",
      hint: "if it is UTF-16, convert it first: iconv -f UTF-16 -t UTF-8 OLD > NEW",
    },
  },
  {
    title: "rows without a label",
    name: "a.csv",
    content: "text,label\na,x\nb,\nc,y\nd,\n",
    params: { label: "label" },
    problem: {
      code: "empty-label",
      message: "FILE:3: 2 rows have no label, this one first.",
      hint: "give every row a label, or take those rows out of the file",
    },
  },
  {
    title: "an id given twice",
    name: "a.csv",
    content: "text,id\na,1\nb,2\nc,1\n",
    params: { id: "id" },
    problem: {
      code: "duplicate-id",
      message: 'FILE:4: the id "1" was already given at FILE:2.',
      hint: "make ids unique, or leave out `id`: ids are then made from the rows' content",
    },
  },
  {
    title: "an empty id",
    name: "a.csv",
    content: "text,id\na,\n",
    params: { id: "id" },
    problem: {
      code: "empty-id",
      message: "FILE:2: the id is empty.",
      hint: "fill it in, or leave out `id`: ids are then made from the rows' content",
    },
  },
  {
    title: "a line that is not JSON",
    name: "a.jsonl",
    content: '{"text":"a"}\n{"text":\n',
    problem: {
      code: "invalid-json",
      message: "FILE:2: this line is not JSON: Unexpected end of JSON input.",
      hint: 'each line must be one whole object, such as {"text": "…", "label": "…"}',
    },
  },
  {
    title: "a JSON line that is a list",
    name: "a.jsonl",
    content: '["a"]\n',
    problem: {
      code: "not-an-object",
      message: "FILE:1: this line is a list, not an object.",
      hint: 'each line must be one whole object, such as {"text": "…", "label": "…"}',
    },
  },
  {
    title: "a JSON line without the text",
    name: "a.jsonl",
    content: '{"text":"a"}\n{"tex":"b"}\n',
    problem: {
      code: "missing-column",
      message: 'FILE:2: there is no column "text".',
      hint: 'did you mean "tex"? the columns are: tex',
    },
  },
  {
    title: "a JSON text that is a number",
    name: "a.jsonl",
    content: '{"text":5}\n',
    problem: {
      code: "text-not-a-string",
      message: 'FILE:1: "text" is a number, not a string.',
      hint: "every row needs a text; write it in double quotes",
    },
  },
  {
    title: "half a surrogate pair",
    name: "a.jsonl",
    content: '{"text":"\\ud83d"}\n',
    problem: {
      code: "lone-surrogate",
      message: 'FILE:1: "text" holds half of a surrogate pair, which is no character.',
      hint: "the text was cut inside a \\u escape, or is not Unicode: write the file again from its source",
    },
  },
  {
    title: "JSON nested beyond the stack",
    name: "a.jsonl",
    content: `{"text":"a","deep":${"[".repeat(200_000)}${"]".repeat(200_000)}}\n`,
    problem: { code: "json-too-deep", message: 'FILE:1: "deep" is nested too deeply.' },
  },
];

for (const { title, name, content, params, problem } of broken)
  test(`refused: ${title}`, async (t) => {
    const folder = await temporaryFolder(t, { [name]: content });
    const path = join(folder, name);
    const found = await problemOf(runStage(load, { params: { files: path, ...params } }));
    assert.deepEqual({ ...found, message: found.message.replaceAll(path, "FILE") }, problem);
  });

for (const [name, start] of [
  ["a.txt", ""],
  ["a.csv", "text\n"],
  ["b.csv", 'text\n"'],
] as const)
  test(`refused within bounded memory: a row of 100 MB in ${name} ${JSON.stringify(start)}`, async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, name);
    await writeLarge(path, start, 100);
    const before = process.memoryUsage().rss;
    const { code } = await problemOf(runStage(load, { params: { files: path } }));
    assert.equal(code, "record-too-long");
    assert.ok(process.memoryUsage().rss - before < 200e6);
  });

async function writeLarge(path: string, start: string, megabytes: number): Promise<void> {
  const file = createWriteStream(path);
  const megabyte = Buffer.alloc(1e6, "x");
  file.write(start);
  for (let i = 0; i < megabytes; i++) file.write(megabyte);
  await new Promise((resolve) => file.end(resolve));
}

test("check: extensions and params that mean nothing are named with their place", () => {
  const check = (params: object) => load.check!(paramsOf(load, params), {});
  assert.deepEqual(check({ files: ["a.csv", "b.xlsx"] }), [
    {
      at: ["files", 1],
      code: "unknown-format",
      message: 'The extension of "b.xlsx" does not say how the file is written.',
      hint: "say it: format: csv, tsv, jsonl, txt, conll, squad or parquet",
    },
  ]);
  assert.deepEqual(check({ files: "b.txt", label: "x" }), [
    {
      at: ["label"],
      code: "param-without-effect",
      message: '"b.txt" is a txt file, which has no columns.',
      hint: 'leave out "label"',
    },
  ]);
  assert.deepEqual(check({ files: "b.xlsx", format: "csv", delimiter: ";" }), []);
});
