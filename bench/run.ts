import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renderTable } from "../cli/text/render-table.ts";
import { findPython } from "./find-python.ts";
import { type Bench, formatQuantity, type Measurement, ratioOf } from "./measurement.ts";
import { runTimed } from "./timed-process.ts";

/**
 * `npm run bench [-- name… --rounds N]` measures Tunesmith beside its peers, both in the same run on the same
 * machine, and prints a table with the goals; `npm run bench -- list` only says what there is.
 */
const benches = {
  start: {
    description: "how soon the command says something",
    load: async () => (await import("./start.ts")).measureStart,
  },
  stages: {
    description: "500 tiny stages, first run and second run, beside wireit and DVC",
    load: async () => (await import("./stages.ts")).measureStages,
  },
  steps: {
    description: "a training step of a 6-layer BERT, beside PyTorch",
    load: async () => (await import("./steps.ts")).measureSteps,
  },
  "fine-tune": {
    description: "the example from rows to saved model, beside Hugging Face Trainer",
    load: async () => (await import("./fine-tune.ts")).measureFineTune,
  },
  heads: {
    description: "20 classification heads on cached vectors of the example",
    load: async () => (await import("./heads.ts")).measureHeads,
  },
  quality: {
    description: "accuracy and F1 of the example's model, beside a bag of words",
    load: async () => (await import("./quality.ts")).measureQuality,
  },
} satisfies Record<
  string,
  {
    readonly description: string;
    readonly load: () => Promise<(bench: Bench) => Promise<readonly Measurement[]>>;
  }
>;

type Name = keyof typeof benches;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" } },
});
process.exitCode = await main(positionals, values.rounds);

async function main(asked: readonly string[], rounds: string | undefined): Promise<number> {
  const unknown = asked.find((name) => name !== "list" && !Object.hasOwn(benches, name));
  if (asked.includes("list") || unknown !== undefined) {
    if (unknown !== undefined) say(`There is no bench "${unknown}".`);
    for (const [name, { description }] of Object.entries(benches))
      say(`${name.padEnd(14)} ${description}`);
    return unknown === undefined ? 0 : 2;
  }
  const project = join(import.meta.dirname, "..");
  await runTimed(["npm", "run", "--silent", "build"], { cwd: project });
  const python = findPython();
  if (python === undefined)
    say("The Python peers are not measured: bench/setup-python.sh installs them.");
  const names = asked.length > 0 ? (asked as Name[]) : (Object.keys(benches) as Name[]);
  const measurements: Measurement[] = [];
  for (const name of names) {
    const shared = { project, python, rounds: rounds === undefined ? undefined : Number(rounds) };
    measurements.push(...(await measure(name, shared)));
  }
  process.stdout.write(describeMachine() + renderMeasurements(measurements));
  return 0;
}

type Shared = Pick<Bench, "project" | "python" | "rounds">;

async function measure(name: Name, shared: Shared): Promise<readonly Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), `tunesmith-bench-${name}-`));
  const tunesmith = [process.execPath, join(shared.project, "dist/cli/main.js")] as const;
  try {
    const run = await benches[name].load();
    return await run({ ...shared, tunesmith, folder, threads: availableParallelism(), say });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function describeMachine(): string {
  const cores = availableParallelism();
  return `${cpus()[0]?.model ?? process.arch}, ${cores} cores, Node ${process.versions.node}\n`;
}

function renderMeasurements(measurements: readonly Measurement[]): string {
  const columns = [
    { title: "what" },
    { title: "tunesmith", align: "right" },
    { title: "peer", align: "right" },
    { title: "which" },
    { title: "ratio", align: "right" },
    { title: "goal" },
  ] as const;
  const rows = measurements.map((measurement) => {
    const { what, ours, peer, goal } = measurement;
    const ratio = ratioOf(measurement);
    return [
      what,
      formatQuantity(ours),
      peer === undefined ? "" : formatQuantity(peer),
      peer?.name ?? "",
      ratio === undefined ? "" : `${ratio.toFixed(2)}x`,
      goal === undefined ? "" : `${goal.text}: ${goal.isReached ? "reached" : "NOT reached"}`,
    ];
  });
  const style = { width: 160, ellipsis: "…", paintTitle: (text: string) => text };
  return renderTable(columns, rows, style);
}
