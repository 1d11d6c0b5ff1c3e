import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copyStages, type EngineRuns, sourceTexts, type TwoRuns } from "./copy-graph.ts";
import { type Bench, type Measurement, medianOf, type Peer } from "./measurement.ts";
import { measureDvc } from "./peers/dvc.ts";
import { measureWireit } from "./peers/wireit.ts";
import { runTimed } from "./timed-process.ts";

const ROUNDS = 5;

/** 500 tiny stages, beside wireit and DVC that copy a small file in each of theirs. */
export async function measureStages(bench: Bench): Promise<readonly Measurement[]> {
  const ours = await measureOurs(bench);
  const wireit = await unlessItFails("wireit", bench, measureWireit);
  const dvc = await unlessItFails("DVC", bench, measureDvc);
  const peers = [wireit, dvc].filter((peer) => peer !== undefined);
  return [...firstRun(ours.first, peers), ...secondRun(ours.second, peers)];
}

/** A peer that cannot be installed, or ends with an error, is left out of the table. */
async function unlessItFails(
  name: string,
  bench: Bench,
  measure: (bench: Bench) => Promise<EngineRuns | undefined>,
): Promise<EngineRuns | undefined> {
  try {
    return await measure(bench);
  } catch (error) {
    bench.say(`${name} is not measured: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function firstRun(value: number, peers: readonly EngineRuns[]): readonly Measurement[] {
  const goal = { text: "under 6 s", isReached: value < 6 };
  return rows(
    "500 stages, first run",
    value,
    goal,
    peers.map(({ name, first }) => peer(name, first)),
  );
}

function secondRun(value: number, peers: readonly EngineRuns[]): readonly Measurement[] {
  const goal = { text: "under 0.5 s", isReached: value < 0.5 };
  return rows(
    "500 stages, nothing changed",
    value,
    goal,
    peers.map(({ name, second }) => peer(name, second)),
  );
}

function peer(name: string, value: number): Peer {
  return { name, value, unit: "s" };
}

function rows(
  what: string,
  value: number,
  goal: NonNullable<Measurement["goal"]>,
  peers: readonly Peer[],
): readonly Measurement[] {
  const ours = { value, unit: "s" } as const;
  if (peers.length === 0) return [{ what, ours, goal }];
  return peers.map((each) => ({ what, ours, peer: each, goal }));
}

async function measureOurs(bench: Bench): Promise<TwoRuns> {
  const { folder, tunesmith, rounds = ROUNDS, say } = bench;
  const cwd = join(folder, "tunesmith");
  await mkdir(cwd, { recursive: true });
  await writeFile(join(cwd, "package.json"), "{}\n"); // marks the project's folder
  await writeFile(join(cwd, "rows.txt"), sourceTexts.join("\n"));
  const pipeline = join(cwd, "many.tune.yaml");
  await writeFile(pipeline, pipelineText());
  const first: number[] = [];
  const second: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`500 stages, round ${round} of ${rounds}`);
    const env = { TUNESMITH_CACHE: join(cwd, `cache-${round}`) };
    first.push((await runTimed([...tunesmith, "run", pipeline], { cwd, env })).seconds);
    const again = await runTimed([...tunesmith, "run", pipeline], { cwd, env });
    if (!again.stdout.includes("500 cached")) throw new Error(`not all cached:\n${again.stdout}`);
    second.push(again.seconds);
  }
  return { first: medianOf(first), second: medianOf(second) };
}

/** Each stage has another limit, so that no two share a result. */
function pipelineText(): string {
  const longest = Math.min(...sourceTexts.map(({ length }) => length));
  const stages = copyStages.map(
    ({ number, reads }) =>
      `  s${number}: { uses: clean, in: s${reads}, with: { rules: [{ truncate_characters: ${longest - number} }] } }`,
  );
  const source = "  s0: { uses: load, with: { files: rows.txt } }";
  return `${["name: many", "stages:", source, ...stages].join("\n")}\n`;
}
