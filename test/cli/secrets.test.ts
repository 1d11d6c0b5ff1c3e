import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { pathsBelow } from "../rig/crash-points.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

/** Secrets as people have them: tokens, passwords with all kinds of characters, a key of several lines. */
const secrets: Readonly<Record<string, string>> = {
  S01: "hf_QwErTyUiOpAsDfGhJkLzXcVbNm",
  S02: "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
  S03: "AKIAIOSFODNN7EXAMPLE",
  S04: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  S05: "p4ss",
  S06: 'quote"and\\backslash',
  S07: "spaces and = signs & more",
  S08: "$HOME and `ticks` and ${braces}",
  S09: "grüße-aus-köln-ß",
  S10: "秘密の言葉です",
  S11: "🔑🔒🗝 keys",
  S12: "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAbCdEf\nGhIjKlMnOpQrStUvWxYz0123456\n-----END PRIVATE KEY-----",
  S13: "https://user:hunter2@db.example.org:5432/rows?sslmode=on",
  S14: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpM",
  S15: "(regular).*[expression]+?^$|",
  S16: "<script>alert(1)</script>",
  S17: "0123456789012345678901234567890123456789",
  S18: "tab\tand\ttab",
  S19: "'single'quotes'",
  S20: "../../etc/passwd#fragment%41",
};
const names = Object.keys(secrets);

/** A program that tells all it knows in every way, and fails where it is told to. */
const leak = `
const secrets = Object.entries(process.env).filter(([name]) => /^S\\d\\d$/.test(name));
for (const [name, value] of secrets) {
  console.log("plain", name, value);
  console.error("json", JSON.stringify({ [value]: value }));
  console.log("url", encodeURIComponent(value));
  console.log("base64", Buffer.from(value).toString("base64"), Buffer.from("x" + value).toString("base64"));
  console.log("hex", Buffer.from(value).toString("hex"));
}
(await import("node:fs")).writeFileSync(process.argv[2], "fine");
if (process.env.FAIL === process.argv[2]) throw new Error(secrets.map(([, value]) => value).join());
`;

const pipeline = `name: leaking
secrets: [${names.join(", ")}]
stages:
${["one", "two", "three"]
  .map(
    (name, i, all) => `  ${name}:
    uses: command
    with:
      run: [node, leak.mjs, ${name}]
      files: [leak.mjs${i === 0 ? "" : `, ${all[i - 1]}`}]
      outputs: [${name}]
      env: [FAIL, ${names.join(", ")}]
`,
  )
  .join("")}`;

/** Where any of the secrets stands, in any spelling. */
function leaksIn(texts: Readonly<Record<string, string | Buffer>>): readonly string[] {
  return Object.entries(texts).flatMap(([where, content]) =>
    names.flatMap((name) => {
      const value = secrets[name]!;
      const lines = value.split("\n");
      const bytes = Buffer.from(value);
      const coded = bytes.length < 8 ? [] : [bytes.toString("base64"), bytes.toString("hex")];
      const spellings = [...lines, JSON.stringify(value).slice(1, -1), ...coded];
      return spellings
        .filter((text) => content.includes(text))
        .map((text) => `${where}: ${name} as ${text}`);
    }),
  );
}

test("20 secrets that every stage prints and fails with are in no file and no output", async () => {
  await using rig = await ProjectRig.create({
    "package.json": "{}",
    "leak.mjs": leak,
    "x.tune.yaml": pipeline,
  });
  const texts: Record<string, string | Buffer> = {};
  for (const fail of ["one", "two", "three", "none"]) {
    for (const flags of [[], ["--json"]]) {
      const result = await rig.command(["run", "x.tune.yaml", "--force", ...flags], {
        ...secrets,
        FAIL: fail,
      });
      assert.equal(result.exitCode, fail === "none" ? 0 : 1, result.stderr);
      texts[`stdout ${fail} ${flags}`] = result.stdout;
      texts[`stderr ${fail} ${flags}`] = result.stderr;
    }
    for (const command of [
      ["show", "x.tune.yaml", "one", "--log"],
      ["why", "x.tune.yaml", "two"],
      ["status", "x.tune.yaml"],
    ]) {
      const { stdout, stderr } = await rig.command(command, { ...secrets, FAIL: fail });
      texts[`${command} ${fail}`] = stdout + stderr;
    }
  }
  for (const path of await pathsBelow(rig.folder)) texts[path] = await readFile(path);
  assert.match(String(texts["show,x.tune.yaml,one,--log none"]), /plain S01 \[secret S01\]/);
  assert.deepEqual(leaksIn(texts), []);
});

const built = ["rows", "clean", "split", "tokenizer", "tokens", "train", "evaluate", "save"];

/** A table whose last column holds every secret. */
function rowsWithSecrets(): string {
  const [head, ...rows] = smallData.trimEnd().split("\n");
  const notes = rows.map((row, i) => {
    const value = secrets[names[i % names.length]!]!;
    return `${row},"${value.replaceAll('"', '""')}"`;
  });
  return `${[`${head},note`, ...notes].join("\n")}\n`;
}

test("built-in kinds fail, each in its turn, and read files with 20 secrets in them: these are in no file and no output", async () => {
  const noted = rowsWithSecrets();
  await using rig = await ProjectRig.create({
    "package.json": "{}",
    "data.csv": smallData,
    "noted.csv": noted,
    "broken.csv": noted.replace("game,s0", "game,s0,one cell too many"),
    "x.tune.yaml": `secrets: [${names.join(", ")}]\n${smallPipeline}`,
  });
  const texts: Record<string, string | Buffer> = {};
  const run = async (...settings: readonly string[]) => {
    const set = settings.flatMap((setting) => ["--set", setting]);
    const { exitCode, stdout, stderr } = await rig.command(["run", "x.tune.yaml", ...set], secrets);
    texts[`run ${settings}`] = stdout + stderr;
    return { exitCode, said: stdout + stderr };
  };
  const failing: Readonly<Record<string, string>> = {
    rows: "stages.rows.with.files=broken.csv",
    clean: "stages.clean.with.rules=[{ min_characters: 1000 }]",
    split: "stages.split.with.group=nosuch",
    tokenizer: 'stages.tokenizer.require={ vocab_size: "> 1000" }',
    tokens: 'stages.tokens.require={ tokens: "< 1" }',
    train: "stages.train.with.model.config.max_position_embeddings=4",
    evaluate: 'stages.evaluate.require={ accuracy: "> 1" }',
    save: 'stages.save.require={ parameters: "< 1" }',
  };
  for (const stage of built) {
    const { exitCode, said } = await run(failing[stage]!);
    assert.equal(exitCode, 1, said);
    assert.match(said, new RegExp(`^(✘ )?${stage}\\b.*failed`, "m"));
  }
  const refused = await run("stages.rows.with.files=noted.csv");
  assert.match(refused.said, /An output of the stage holds the secret S\d\d/);
  assert.equal((await run()).exitCode, 0);
  for (const path of await pathsBelow(rig.folder))
    if (!path.endsWith(".csv")) texts[path] = await readFile(path);
  assert.deepEqual(leaksIn(texts), []);
});

test("a secret's value is no part of keys: with another value everything is cached", async () => {
  await using rig = await ProjectRig.create({
    "package.json": "{}",
    "leak.mjs": leak,
    "x.tune.yaml": pipeline,
  });
  const run = (environment: Readonly<Record<string, string>>) =>
    rig.run(["x.tune.yaml"], { FAIL: "", ...environment });
  assert.deepEqual((await run(secrets)).executed, ["one", "two", "three"]);
  const lock = await rig.read("x.tune.lock.yaml");
  assert.deepEqual((await run({ ...secrets, S01: "another value" })).cached, [
    "one",
    "two",
    "three",
  ]);
  assert.equal(await rig.read("x.tune.lock.yaml"), lock);
});

test("an output with a secret in it is not kept: plain, encoded, or across two pieces", async () => {
  const write = `(await import("node:fs")).writeFileSync("out.bin", Buffer.concat([Buffer.alloc(Number(process.argv[2]), 120), Buffer.from(process.env.TOKEN, "utf8")]).toString(process.argv[3]));`;
  const value = "a-token-of-some-length";
  for (const [before, how] of [
    [0, "utf8"],
    [65_530, "utf8"],
    [1_048_570, "utf8"],
    [1, "base64"],
    [2, "base64"],
    [3, "hex"],
  ] as const) {
    await using rig = await ProjectRig.create({
      "package.json": "{}",
      "write.mjs": write,
      "x.tune.yaml": `secrets: [TOKEN]\nstages:\n  s: { uses: command, with: { run: [node, write.mjs, "${before}", ${how}], outputs: [out.bin], env: [TOKEN] } }\n`,
    });
    const { exitCode, stderr } = await rig.command(["run", "x.tune.yaml"], { TOKEN: value });
    assert.equal(exitCode, 1, `${before} ${how}`);
    assert.match(stderr, /An output of the stage holds the secret TOKEN/);
  }
});

test("a secret as a value, or written out in the file, is refused without being shown", async () => {
  await using rig = await ProjectRig.create({ "package.json": "{}", "data.csv": "text\nhi\n" });
  const refusalOf = async (text: string) => {
    await rig.write({ "x.tune.yaml": text });
    const { exitCode, stdout, stderr } = await rig.command(["validate", "x.tune.yaml"], {
      TOKEN: "a-token-of-some-length",
    });
    assert.equal(exitCode, 3);
    assert.doesNotMatch(stdout + stderr, /a-token-of-some-length/);
    return stdout + stderr;
  };
  const stages = (value: string) =>
    `secrets: [TOKEN]\nstages:\n  s: { uses: load, with: { files: data.csv, text: "${value}" } }\n`;
  assert.match(
    await refusalOf(stages("${env:TOKEN}")),
    /TOKEN is a secret: as a value it would be written into the lockfile\./,
  );
  assert.match(
    await refusalOf(stages("a-token-of-some-length")),
    /The value of the secret TOKEN stands in the file\./,
  );
});
