import type { FromSchema } from "json-schema-to-ts";
import {
  defineStage,
  type InputPath,
  type ParamsProblem,
  type ParamsSchema,
} from "../../engine/stage.ts";
import { folder } from "../artifacts/folder.ts";

const text = { type: "string", minLength: 1 } as const;

const params = {
  type: "object",
  properties: {
    run: {
      description:
        "The program and its arguments, run without a shell in the pipeline file's folder.",
      type: "array",
      minItems: 1,
      items: { type: ["string", "number"] },
      examples: [["python3", "prepare.py", "--out", "out/rows.csv"]],
    },
    shell: {
      description: "A command line for the system's shell, instead of `run`.",
      ...text,
      examples: ["sort -u data/*.txt > out/words.txt"],
    },
    files: {
      description:
        "Files, folders and patterns that the program reads, its own source too: the stage runs again when their content changes. One that another stage writes makes this stage wait for it. In a pattern * and ? stay within a name, ** stands for any folders.",
      type: "array",
      items: text,
      examples: [["prepare.py", "data/**/*.csv"]],
    },
    outputs: {
      description:
        "Files and folders that the program writes, below the pipeline file's folder: they are kept in the cache, and put back where they are missing.",
      type: "array",
      items: text,
      examples: [["out/rows.csv"]],
    },
    env: {
      description:
        "Names of environment variables that are passed on. The stage runs again when their values change. Others than these, PATH, HOME and what the system needs are not passed.",
      type: "array",
      items: { type: "string", pattern: "^[A-Za-z_][A-Za-z0-9_]*$" },
      examples: [["API_TOKEN"]],
    },
    metrics: {
      description:
        "One of the outputs: a JSON file with a map of names to numbers, which become the stage's metrics.",
      ...text,
      examples: ["out/metrics.json"],
    },
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the command stage. */
export type CommandParams = FromSchema<typeof params>;

/** Runs any program; what it reads and writes is declared, so that it runs only when something of it changed. */
export const command = defineStage({
  kind: "command",
  version: 1,
  description: "Runs a program that reads and writes declared files.",
  params,
  inputs: {},
  outputs: { files: { type: folder, description: "The files that the program wrote." } },
  seeded: false,
  deterministic: false,
  environment: [],
  takesAny: true,
  // Its own names are part of what a program sees: a renamed file may be another result.
  inputPaths: ({ files = [] }: CommandParams) =>
    files.map((path, i): InputPath => ({ at: ["files", i], readAs: path, isPattern: true })),
  writes: ({ outputs = [] }: CommandParams) => outputs.map((_, i) => ["outputs", i]),
  passes: ({ env = [] }: CommandParams) => env,
  check: problemsOf,
  async run(context) {
    const { runCommand } = await import("./run-command.ts");
    return runCommand(context);
  },
});

function problemsOf({ run, shell, outputs = [], metrics }: CommandParams): ParamsProblem[] {
  const problems: ParamsProblem[] = [];
  if (run === undefined && shell === undefined) {
    const message = 'It has nothing to run: "run" is missing.';
    const hint = 'add "run", a list of the program and its arguments: [python3, prepare.py]';
    problems.push({ at: [], code: "nothing-to-run", message, hint });
  }
  if (run !== undefined && shell !== undefined) {
    const message = 'It has both "run" and "shell".';
    problems.push({ at: ["shell"], code: "run-and-shell", message, hint: "delete one of them" });
  }
  const [program, ...others] = run ?? [];
  if (typeof program === "string" && others.length === 0 && /\s/.test(program)) {
    const words = program.trim().split(/\s+/).join(", ");
    const message = `There is no program named "${program}": each argument is an item of its own.`;
    const hint = `write [${words}], or use "shell"`;
    problems.push({ at: ["run", 0], code: "arguments-in-one", message, hint });
  }
  outputs.forEach((path, i) => {
    if (!/[*?]/.test(path)) return;
    const message = `The output "${path}" is a pattern.`;
    const hint = "name each file, or the folder that all of them are written to";
    problems.push({ at: ["outputs", i], code: "output-pattern", message, hint });
  });
  if (metrics !== undefined && !outputs.includes(metrics)) {
    const message = `The metrics' file "${metrics}" is none of the outputs.`;
    problems.push({
      at: ["metrics"],
      code: "metrics-not-output",
      message,
      hint: `add it: outputs: [${[...outputs, metrics].join(", ")}]`,
    });
  }
  return problems;
}
