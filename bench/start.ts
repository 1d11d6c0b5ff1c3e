import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Bench, type Measurement, medianOf } from "./measurement.ts";
import { runTimed } from "./timed-process.ts";

const ROUNDS = 9;

/** How long the command takes to say its first word, beside a Node process that does nothing. */
export async function measureStart(bench: Bench): Promise<readonly Measurement[]> {
  const { folder: cwd, tunesmith, rounds = ROUNDS, say } = bench;
  const pipeline = await writePipeline(cwd);
  const node: number[] = [];
  const version: number[] = [];
  const firstOutput: number[] = [];
  const nothingToDo: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`start, round ${round} of ${rounds}`);
    const setting = { cwd, env: { TUNESMITH_CACHE: join(cwd, `cache-${round}`) } };
    node.push((await runTimed([process.execPath, "-e", "0"], setting)).seconds);
    version.push((await runTimed([...tunesmith, "--version"], setting)).seconds);
    const first = await runTimed([...tunesmith, "run", pipeline], setting);
    firstOutput.push(first.firstOutputSeconds!);
    nothingToDo.push((await runTimed([...tunesmith, "run", pipeline], setting)).seconds);
  }
  const peer = { name: "node -e 0", value: medianOf(node) * 1000, unit: "ms" } as const;
  const row = (what: string, seconds: readonly number[]): Measurement => ({
    what,
    ours: { value: medianOf(seconds) * 1000, unit: "ms" },
    peer,
  });
  const goal = { text: "within 100 ms", isReached: medianOf(firstOutput) < 0.1 };
  return [
    row("tunesmith --version", version),
    { ...row("run: first output", firstOutput), goal },
    row("run: one stage, nothing changed", nothingToDo),
  ];
}

async function writePipeline(folder: string): Promise<string> {
  const path = join(folder, "small.tune.yaml");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), "{}\n"); // marks the project's folder
  await writeFile(join(folder, "rows.txt"), "one row of text\n");
  await writeFile(
    path,
    "name: small\nstages: { rows: { uses: load, with: { files: rows.txt } } }\n",
  );
  return path;
}
