import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkCopied, copyStages, type EngineRuns, sourceTexts } from "../copy-graph.ts";
import { type Bench, medianOf } from "../measurement.ts";
import { runTimed } from "../timed-process.ts";

const ROUNDS = 3;
const VERSION = "0.14.13";

/** wireit, installed from npm into the bench's folder. Throws where it cannot be installed. */
export async function measureWireit({ folder, rounds = ROUNDS, say }: Bench): Promise<EngineRuns> {
  const cwd = join(folder, "wireit");
  await mkdir(join(cwd, "out"), { recursive: true });
  await writeFile(join(cwd, "package.json"), packageJson());
  await runTimed(["npm", "install", "--no-audit", "--no-fund", `wireit@${VERSION}`], { cwd });
  const first: number[] = [];
  const second: number[] = [];
  const run = () => runTimed(["npm", "run", "--silent", "all"], { cwd });
  for (let round = 1; round <= rounds; round++) {
    say(`500 stages in wireit, round ${round} of ${rounds}`);
    // Another source in each round, so that its cache has nothing of the one before.
    await writeFile(join(cwd, "out/s0.txt"), `${round}\n`);
    first.push((await run()).seconds);
    second.push((await run()).seconds);
  }
  await writeFile(join(cwd, "out/s0.txt"), sourceTexts.join("\n"));
  await run();
  await checkCopied(join(cwd, "out/s499.txt"));
  return { name: `wireit ${VERSION}`, first: medianOf(first), second: medianOf(second) };
}

function packageJson(): string {
  const names = copyStages.map(({ number }) => `s${number}`);
  const scripts = Object.fromEntries([...names, "all"].map((name) => [name, "wireit"]));
  const stages = copyStages.map(({ number, reads }) => [
    `s${number}`,
    {
      command: `cp out/s${reads}.txt out/s${number}.txt`,
      files: [`out/s${reads}.txt`],
      output: [`out/s${number}.txt`],
      ...(reads > 0 ? { dependencies: [`s${reads}`] } : {}),
    },
  ]);
  const wireit = { all: { dependencies: names }, ...Object.fromEntries(stages) };
  return `${JSON.stringify({ private: true, scripts, wireit }, null, 2)}\n`;
}
