import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { load } from "../../stages/load/load.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const labels = { labels: "topics" };
const scores = { numbers: ["score", "age"] };
const asked = { question: "question", context: "context", answers: "answers" };

/** Loads one file of the given content. */
async function loadFile(t: TestContext, name: string, content: string, params: object) {
  const folder = await temporaryFolder(t, { [name]: content });
  return runStage(load, { params: { files: join(folder, name), ...params } });
}

test("labels of which several may fit: the same rows from JSON lists, CSV cells and another separator", async (t) => {
  const sources: readonly (readonly [string, string, object])[] = [
    [
      "a.jsonl",
      '{"text":"a","topics":["x","y"]}\n{"text":"b","topics":[]}\n{"text":"c","topics":["x"]}\n',
      labels,
    ],
    ["a.csv", 'text,topics\na,"x, y"\nb,\nc,x\n', labels],
    ["a.csv", 'text,topics\na,"[""x"",""y"",""x""]"\nb,[]\nc," x "\n', labels],
    ["a.tsv", "text\ttopics\na\tx;y\nb\t\nc\tx\n", { ...labels, label_separator: ";" }],
  ];
  for (const [name, content, params] of sources) {
    const { files, outputs, metrics } = await loadFile(t, name, content, params);
    const rows = files.dataset.texts()["train/rows.jsonl"]!.replaceAll(/"id":"\w+",/g, "");
    assert.deepEqual(rows.trimEnd().split("\n"), [
      '{"text":"a","labels":["x","y"],"columns":{}}',
      '{"text":"b","labels":[],"columns":{}}',
      '{"text":"c","labels":["x"],"columns":{}}',
    ]);
    assert.deepEqual(metrics, { rows: 3, labels: 2 });
    assert.deepEqual((outputs.report as { labels: object }).labels, { x: 2, y: 1 });
  }
});

test("numbers, one or several columns", async (t) => {
  const csv = "text,score,age,note\na,1.5,-2,n\nb, +3e1 ,.5,m\n";
  const { files, outputs } = await loadFile(t, "a.csv", csv, scores);
  const rows = files.dataset.texts()["train/rows.jsonl"]!.replaceAll(/"id":"\w+",/g, "");
  assert.deepEqual(rows.trimEnd().split("\n"), [
    '{"text":"a","numbers":{"score":1.5,"age":-2},"columns":{"note":"n"}}',
    '{"text":"b","numbers":{"score":30,"age":0.5},"columns":{"note":"m"}}',
  ]);
  assert.deepEqual((outputs.report as { numbers: object }).numbers, {
    score: { min: 1.5, max: 30, mean: 15.75 },
    age: { min: -2, max: 0.5, mean: -0.75 },
  });
  const json = '{"text":"a","score":7}\n';
  const one = await loadFile(t, "a.jsonl", json, { numbers: "score" });
  assert.deepEqual(one.outputs.dataset.splits.get("train")![0]!.numbers, { score: 7 });
});

const context = "Ada 🙂 wrote the first program.";
const squad = {
  version: "v2.0",
  data: [
    {
      title: "Ada",
      paragraphs: [
        {
          context,
          qas: [
            {
              id: "q1",
              question: "Who wrote it?",
              answers: [
                { text: "Ada", answer_start: 0 },
                { text: "the first program", answer_start: 12 },
              ],
            },
            {
              id: "q2",
              question: "Who sang it?",
              is_impossible: true,
              plausible_answers: [{ text: "Ada", answer_start: 0 }],
              answers: [],
            },
          ],
        },
      ],
    },
  ],
};

test("questions and answers: the same rows from SQuAD as published, JSON Lines and CSV", async (t) => {
  const both = {
    '"id":"q1"':
      '"question":"Who wrote it?","answers":{"text":["Ada","the first program"],"answer_start":[0,12]}',
    '"id":"q2"': '"question":"Who sang it?","answers":{"text":[],"answer_start":[]}',
  };
  const rows = Object.entries(both).map(
    ([id, asks]) => `{${id},"text":"${context}",${asks},"columns":{"title":"Ada"}}`,
  );
  const jsonl = Object.entries(both).map(
    ([id, asks]) => `{${id},"title":"Ada","context":"${context}",${asks}}\n`,
  );
  const csv = `id,title,context,question,answer,start
q1,Ada,${context},Who wrote it?,"[""Ada"",""the first program""]","[0,12]"
q2,Ada,${context},Who sang it?,,
`;
  const sources: readonly (readonly [string, string, object])[] = [
    ["a.json", JSON.stringify(squad), {}],
    ["a.jsonl", jsonl.join(""), { ...asked, id: "id" }],
    ["a.csv", csv, { ...asked, answers: ["answer", "start"], id: "id" }],
  ];
  for (const [name, content, params] of sources) {
    const { files, outputs, metrics } = await loadFile(t, name, content, params);
    assert.deepEqual(files.dataset.texts()["train/rows.jsonl"]!.trimEnd().split("\n"), rows, name);
    assert.deepEqual(metrics, { rows: 2, without_answer: 1 });
    const { questions } = outputs.report as { questions: object };
    assert.deepEqual(questions, { asked: 2, without_answer: 1 });
  }
  const one = await loadFile(t, "a.csv", `context,question,text,at\nAda,Who?,Ada,0\n`, {
    ...asked,
    answers: ["text", "at"],
  });
  const { answers } = one.outputs.dataset.splits.get("train")![0]!;
  assert.deepEqual(answers, { text: ["Ada"], answer_start: [0] });
});

const answered = (answers: string, question = "Who?", text = context) =>
  `${JSON.stringify({ context: text, question, answers: 0 }).replace(/0}$/, `${answers}}`)}\n`;

const wrong: readonly (readonly [
  name: string,
  content: string,
  params: object,
  expected: readonly [code: string, message: string],
])[] = [
  [
    "a.jsonl",
    '{"text":"a","topics":["x"]}\n{"text":"b","topics":["x"," "]}\n',
    labels,
    ["not-a-list-of-labels", 'a.jsonl:2: "topics" is no list of labels: ["x"," "]'],
  ],
  [
    "a.csv",
    'text,topics\na,"x,,y"\n',
    labels,
    ["not-a-list-of-labels", 'a.csv:2: "topics" is no list of labels: x,,y'],
  ],
  [
    "a.csv",
    "text,topic\na,x\n",
    labels,
    ["missing-column", 'a.csv:1: there is no column "topics".'],
  ],
  [
    "a.csv",
    'text,score,age\na,1,2\nb,"1,5",2\n',
    scores,
    ["not-a-number", 'a.csv:3: "score" is no number: 1,5.'],
  ],
  ["a.csv", "text,score,age\na,1,\n", scores, ["not-a-number", 'a.csv:2: "age" is empty.']],
  [
    "a.jsonl",
    '{"text":"a","score":"NaN","age":1}\n',
    scores,
    ["not-a-number", 'a.jsonl:1: "score" is no number: NaN.'],
  ],
  [
    "a.csv",
    "text,score,age\na,1e39,1\n",
    scores,
    ["not-a-number", 'a.csv:2: "score" is no number: 1e39.'],
  ],
  [
    "a.jsonl",
    answered('{"text":["program"],"answer_start":[30]}'),
    asked,
    [
      "answer-outside-context",
      'a.jsonl:1: the answer "program" at character 30 ends outside the context of 30.',
    ],
  ],
  [
    "a.jsonl",
    answered('{"text":["wrote"],"answer_start":[7]}'),
    asked,
    [
      "answer-not-there",
      'a.jsonl:1: the answer "wrote" does not stand at character 7 of the context.',
    ],
  ],
  [
    "a.jsonl",
    answered('{"text":["sang"],"answer_start":[7]}'),
    asked,
    [
      "answer-not-there",
      'a.jsonl:1: the answer "sang" does not stand at character 7 of the context.',
    ],
  ],
  [
    "a.jsonl",
    answered('{"text":["Ada"],"answer_start":[0,1]}'),
    asked,
    ["not-answers", 'a.jsonl:1: "answers" hold no answers with their starts.'],
  ],
  [
    "a.jsonl",
    answered('{"text":["Ada"],"answer_start":[-1]}'),
    asked,
    ["not-answers", 'a.jsonl:1: "answers" hold no answers with their starts.'],
  ],
  [
    "a.jsonl",
    answered('"Ada"'),
    asked,
    ["not-answers", 'a.jsonl:1: "answers" hold no answers with their starts.'],
  ],
  [
    "a.jsonl",
    answered('{"text":["Ada"],"answer_start":[0]}', "Who?", "  "),
    asked,
    ["empty-context", 'a.jsonl:1: "context" is empty, so the row has no context.'],
  ],
  [
    "a.jsonl",
    answered('{"text":["Ada"],"answer_start":[0]}', ""),
    asked,
    ["empty-question", 'a.jsonl:1: "question" is empty, so the row has no question.'],
  ],
  [
    "a.json",
    JSON.stringify(squad).replace('"answer_start":12', '"answer_start":13'),
    {},
    [
      "answer-not-there",
      'a.json:data[0].paragraphs[0].qas[0]: the answer "the first program" does not stand at character 13 of the context.',
    ],
  ],
  ["a.json", '[{"text":"a"}]', {}, ["not-squad", "a.json: the file is not an object."]],
  [
    "a.json",
    JSON.stringify(squad).replace('"id":"q2"', '"id":2'),
    {},
    ["not-squad", 'a.json: data[0].paragraphs[0].qas[1]: "id" is not a text.'],
  ],
  [
    "a.json",
    JSON.stringify(squad).replace('"id":"q2"', '"id":"q1"'),
    {},
    [
      "duplicate-id",
      'a.json:data[0].paragraphs[0].qas[1]: the id "q1" was already given at FOLDER/a.json:data[0].paragraphs[0].qas[0].',
    ],
  ],
];

for (const [name, content, params, expected] of wrong)
  test(`wrong data: ${expected[1]}`, async (t) => {
    const folder = await temporaryFolder(t, { [name]: content });
    const running = runStage(load, { params: { files: join(folder, name), ...params } });
    const { code, message } = await problemOf(running);
    const shown = message.replace(`${folder}/`, "").replaceAll(folder, "FOLDER");
    assert.deepEqual([code, shown], expected);
  });

test("a wrong start says where the answer stands", async (t) => {
  const hintOf = async (content: string) => {
    const folder = await temporaryFolder(t, { "a.jsonl": content });
    const params = { files: join(folder, "a.jsonl"), ...asked };
    return (await problemOf(runStage(load, { params }))).hint;
  };
  assert.equal(
    await hintOf(answered('{"text":["wrote"],"answer_start":[7]}')),
    "it stands at character 6; answer_start counts characters from 0",
  );
  assert.equal(
    await hintOf(answered('{"text":["sang"],"answer_start":[7]}')),
    "it stands nowhere in the context: an answer must be a stretch of it, letter by letter",
  );
});

test("params that do not fit together", () => {
  const problemsOf = (params: object) =>
    load.check!(paramsOf(load, { files: "a.csv", ...params }), {}).map(({ message }) => message);
  assert.deepEqual(problemsOf({ label: "a", labels: "b" }), [
    '"labels" is given beside "label"; a row has labels of one kind.',
  ]);
  assert.deepEqual(problemsOf({ question: "a", context: "b" }), [
    '"question" is given without "answers".',
  ]);
  assert.deepEqual(problemsOf({ label_separator: ";" }), [
    '"label_separator" is given without "labels".',
  ]);
  assert.deepEqual(problemsOf({ ...asked, words: "w", tags: "t" }), [
    '"question" is given beside "words"; a row has content of one kind.',
  ]);
  assert.deepEqual(problemsOf({ ...asked, files: "a.json" }), [
    '"a.json" is a squad file, which has no columns.',
    '"a.json" is a squad file, which has no columns.',
    '"a.json" is a squad file, which has no columns.',
  ]);
});
