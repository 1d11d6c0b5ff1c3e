import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkCopied, copyStages, type EngineRuns, sourceTexts } from "../copy-graph.ts";
import type { Bench } from "../measurement.ts";
import { runTimed } from "../timed-process.ts";

/** DVC, if it is installed beside the Python of bench/setup-python.sh. One round: its first run takes minutes. */
export async function measureDvc({ folder, python, say }: Bench): Promise<EngineRuns | undefined> {
  const dvc = python === undefined ? undefined : join(dirname(python), "dvc");
  if (dvc === undefined || !existsSync(dvc)) {
    say("DVC is not measured: bench/setup-python.sh installs it.");
    return undefined;
  }
  const cwd = join(folder, "dvc");
  await mkdir(join(cwd, "out"), { recursive: true });
  await writeFile(join(cwd, "out/s0.txt"), sourceTexts.join("\n"));
  await writeFile(join(cwd, "dvc.yaml"), dvcYaml());
  const env = { DVC_NO_ANALYTICS: "1" };
  const { stdout: version } = await runTimed([dvc, "--version"], { cwd, env });
  await runTimed([dvc, "init", "--no-scm", "--quiet"], { cwd, env });
  say("500 stages in DVC, which takes minutes");
  const first = await runTimed([dvc, "repro", "--quiet"], { cwd, env });
  const second = await runTimed([dvc, "repro", "--quiet"], { cwd, env });
  await checkCopied(join(cwd, "out/s499.txt"));
  return { name: `DVC ${version.trim()}`, first: first.seconds, second: second.seconds };
}

function dvcYaml(): string {
  const stages = copyStages.flatMap(({ number, reads }) => [
    `  s${number}:`,
    `    cmd: cp out/s${reads}.txt out/s${number}.txt`,
    `    deps: [out/s${reads}.txt]`,
    `    outs: [out/s${number}.txt]`,
  ]);
  return `${["stages:", ...stages].join("\n")}\n`;
}
