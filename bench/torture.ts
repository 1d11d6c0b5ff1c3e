import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

/**
 * `npm run torture [-- name…]` runs the reliability tests in full: every file call of a run, every sync boundary, a
 * thousand rounds. It prints each suite's figures as it goes and a table at the end; hours, not minutes. `--runs 20` says how much
 * more than `npm test`.
 */
const suites: Readonly<Record<string, string>> = {
  "killed at every file call": "test/cache/killed.random.test.ts",
  "dead at every file call": "test/cache/crash-points.random.test.ts",
  "power cut at every call, 3 patterns": "test/cache/power-loss-run.random.test.ts",
  "errors at every file call": "test/cache/faults.test.ts",
  "damage to blobs, manifests, index": "test/cache/mutations.random.test.ts",
  "a thousand damages beside runs": "test/cache/damaged-run.random.test.ts",
  "a thousand changes to a lockfile": "test/cli/damaged-lock.random.test.ts",
  "two runs at once; 8 beside gc": "test/cache/shared-runs.test.ts",
  "writers killed at random": "test/cache/processes.test.ts",
  "commands killed at random": "test/pipelines/kill.random.test.ts",
  "trainings stopped by signals": "test/pipelines/resume.random.test.ts",
  "full, read-only, limited disks": "test/cache/real-disks.test.ts",
  "poisoned remotes": "test/cache/poisoned-remote.test.ts",
  "real nginx and S3 servers": "test/cache/remote-peers.test.ts",
  "planted secrets": "test/cli/secrets.test.ts",
  "the same lockfile elsewhere": "test/pipelines/elsewhere.test.ts",
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "20" } },
});
const chosen = Object.entries(suites).filter(
  ([name, path]) =>
    positionals.length === 0 || positionals.some((word) => `${name} ${path}`.includes(word)),
);
const rows: string[] = [];
for (const [name, path] of chosen) {
  const started = performance.now();
  const { output, code } = await runSuite(path);
  const seconds = Math.round((performance.now() - started) / 1000);
  const count = (word: string) =>
    Number(new RegExp(`^# ${word} (\\d+)`, "m").exec(output)?.[1] ?? 0);
  const verdict = code === 0 ? "ok" : "FAILED";
  rows.push(
    `${name.padEnd(38)} ${verdict.padEnd(7)} ${count("pass")} passed, ${count("fail")} failed, ${count("skipped")} skipped, ${seconds} s`,
  );
  if (code !== 0) process.exitCode = 1;
}
process.stdout.write(`\n${rows.join("\n")}\n`);

/** Runs one test file; shows it as it goes. */
function runSuite(path: string): Promise<{ output: string; code: number | null }> {
  const project = join(import.meta.dirname, "..");
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--test", "--test-reporter=tap", path],
    {
      cwd: project,
      env: { ...process.env, TUNESMITH_TEST_RUNS: values.runs },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ output, code })));
}
