import assert from "node:assert/strict";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { watch } from "../../cli/commands/watch.ts";
import { runCommand } from "../rig/command-rig.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const pipeline = (files: string) =>
  `stages:\n  rows: { uses: load, with: { files: ${files}, text: text, label: label } }\n`;
const data = "text,label\none,a\ntwo,b\n";

/** Something that happens once, and can be waited for. */
function moment() {
  let happen: () => void = () => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happen, happened };
}

test("watch: a run after each change, one at a time, however many files changed during it", async (t) => {
  const folder = await temporaryFolder(t, {
    "p.tune.yaml": pipeline("a.csv"),
    "a.csv": data,
    "b.csv": data,
    "vars.yaml": "vars: {}\n",
  });
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const interruption = new AbortController();
  let running = 0;
  let most = 0;
  const seen: boolean[] = [];
  // During the first run, two saves: both are dealt with by the second.
  const duringFirst = async () => {
    await write("a.csv", `${data}three,a\n`);
    await write("a.csv", `${data}three,b\n`);
    await new Promise((resolve) => setTimeout(resolve, 1500));
  };
  const whenWaiting: readonly (() => unknown)[] = [
    // An editor that writes aside and renames; the file now reads another source.
    async () => {
      await write("p.new", pipeline("b.csv"));
      await rename(join(folder, "p.new"), join(folder, "p.tune.yaml"));
    },
    // What it includes is part of it.
    () => write("p.tune.yaml", `include: vars.yaml\n${pipeline("b.csv")}`),
    () => write("vars.yaml", "vars: { x: 1 }\n"),
    // Broken: what was watched stays so.
    () => write("p.tune.yaml", "stages: ["),
    () => write("b.csv", `${data}four,a\n`),
    () => interruption.abort("SIGINT"),
  ];
  let waited = 0;
  const { exitCode, stderr } = await runCommand(
    { cwd: folder, signal: interruption.signal },
    (context) => {
      const say = (text: string) => {
        context.stderr.write(text);
        if (text.startsWith("waiting")) setTimeout(() => whenWaiting[waited++]?.(), 50);
      };
      return watch(
        { ...context, stderr: { write: say } },
        {
          file: "p.tune.yaml",
          settings: {},
          run: async (isFirst) => {
            most = Math.max(most, ++running);
            seen.push(isFirst);
            if (isFirst) await duringFirst();
            running--;
            return 0;
          },
        },
      );
    },
  );
  assert.deepEqual([exitCode, most, seen], [130, 1, [true, ...Array(6).fill(false)]]);
  assert.equal(
    stderr,
    `
changed: a.csv
waiting for changes of p.tune.yaml and 1 other file (Ctrl-C ends it)

changed: p.tune.yaml
waiting for changes of p.tune.yaml and 1 other file (Ctrl-C ends it)

changed: p.tune.yaml
waiting for changes of p.tune.yaml and 2 other files (Ctrl-C ends it)

changed: vars.yaml
waiting for changes of p.tune.yaml and 2 other files (Ctrl-C ends it)

changed: p.tune.yaml
waiting for changes of p.tune.yaml and 2 other files (Ctrl-C ends it)

changed: b.csv
waiting for changes of p.tune.yaml and 2 other files (Ctrl-C ends it)
`,
  );
});

test("watch: of a folder that a pattern starts from, only what matches counts", async (t) => {
  const folder = await temporaryFolder(t, {
    "p.tune.yaml":
      "stages:\n  count: { uses: command, with: { run: [wc], files: ['*.csv'], outputs: [out/n] } }\n",
    "a.csv": data,
  });
  const interruption = new AbortController();
  let runs = 0;
  const whenWaiting = [
    async () => {
      await mkdir(join(folder, ".tunesmith"));
      for (const name of [".tunesmith/x.csv", "b.txt", "c.csv"])
        await writeFile(join(folder, name), data);
    },
    () => interruption.abort("SIGINT"),
  ];
  const { stderr } = await runCommand({ cwd: folder, signal: interruption.signal }, (context) => {
    const say = (text: string) => {
      context.stderr.write(text);
      if (text.startsWith("waiting")) setTimeout(() => whenWaiting[runs - 1]?.(), 50);
    };
    const run = async () => {
      runs++;
      return 0;
    };
    const saying = { ...context, stderr: { write: say } };
    return watch(saying, { file: "p.tune.yaml", settings: {}, run });
  });
  const waiting = "waiting for changes of p.tune.yaml and 1 other file (Ctrl-C ends it)\n";
  assert.equal(stderr, `${waiting}\nchanged: c.csv\n${waiting}`);
});

test("watch: the code of an own stage, from the first save that mends it on", async (t) => {
  const stage = (version: string) =>
    `import { defineStage } from "tunesmith";\nimport "./words.ts";\nexport default defineStage({ version: ${version}, outputs: {}, run() {} });\n`;
  const folder = await temporaryFolder(t, {
    "p.tune.yaml": "stages:\n  a: { uses: ./own.ts }\n  b: { uses: ./own.ts }\n",
    "own.ts": stage("one()"),
    "words.ts": "",
  });
  const interruption = new AbortController();
  let runs = 0;
  const whenWaiting = [
    () => writeFile(join(folder, "own.ts"), stage("1")),
    () => writeFile(join(folder, "words.ts"), "export {};\n"),
    () => interruption.abort("SIGINT"),
  ];
  const { stderr } = await runCommand({ cwd: folder, signal: interruption.signal }, (context) => {
    const say = (text: string) => {
      context.stderr.write(text);
      if (text.startsWith("waiting")) setTimeout(() => whenWaiting[runs - 1]?.(), 50);
    };
    const run = async () => {
      runs++;
      return 0;
    };
    const saying = { ...context, stderr: { write: say } };
    return watch(saying, { file: "p.tune.yaml", settings: {}, run });
  });
  const waiting = (others: string) =>
    `waiting for changes of p.tune.yaml and ${others} (Ctrl-C ends it)\n`;
  assert.equal(
    stderr,
    `${waiting("1 other file")}\nchanged: own.ts\n${waiting("2 other files")}\nchanged: words.ts\n${waiting("2 other files")}`,
  );
});

test("watch: a mistake on the command line ends it", async (t) => {
  const folder = await temporaryFolder(t, { "p.tune.yaml": pipeline("a.csv"), "a.csv": data });
  const run = async () => 2;
  const { exitCode, stderr } = await runCommand({ cwd: folder }, (context) =>
    watch(context, { file: "p.tune.yaml", settings: {}, run }),
  );
  assert.deepEqual([exitCode, stderr], [2, ""]);
});

test("run --watch: edits run what they concern, Ctrl-C ends it", async () => {
  await using rig = await ProjectRig.create({ "p.tune.yaml": pipeline("a.csv"), "a.csv": data });
  const running = rig.start(["run", "p.tune.yaml", "--watch", "--json"]);
  const summaries: string[][] = [];
  let next = moment();
  let said = "";
  running.process.stdout!.on("data", (text: string) => {
    for (const line of text.split("\n"))
      if (line.startsWith('{"type":"summary"')) summaries.push(JSON.parse(line).executed);
  });
  running.process.stderr!.on("data", (text: string) => {
    said += text;
    if (said.endsWith("(Ctrl-C ends it)\n")) next.happen();
  });
  await next.happened;
  next = moment();
  await rig.write({ "a.csv": `${data}three,a\n` });
  await next.happened;
  assert.deepEqual(summaries, [["rows"], ["rows"]]);
  running.process.kill("SIGINT");
  assert.equal((await running.result).exitCode, 130);
});
