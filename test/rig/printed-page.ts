import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ProjectRig } from "./project-rig.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const tsx = fileURLToPath(import.meta.resolve("tsx"));

/** What a page's commands run under, and what happens while one of them waits. */
export interface PageSetting {
  readonly environment?: Readonly<Record<string, string>>;
  /** Done when `run --watch` waits for the first time; when it waits again, Ctrl-C ends it. */
  whileWaiting?(rig: ProjectRig): Promise<void>;
}

/** Runs one line of a page in a shell; all it prints, the project's folder called /project. */
async function shell(
  rig: ProjectRig,
  command: string,
  { environment, whileWaiting }: PageSetting,
): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${join(rig.folder, "bin")}:${process.env.PATH}`,
    ...{
      COLUMNS: "100",
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      CI: "true",
      GIT_CONFIG_GLOBAL: "/dev/null",
    },
    ...environment,
  };
  const isWatching = command.includes("--watch");
  const line = isWatching ? `exec ${command} 2>&1` : `{ ${command}; } 2>&1`;
  const child = spawn("sh", ["-c", line], { cwd: rig.folder, env, stdio: ["ignore", "pipe", 2] });
  let printed = "";
  let waits = 0;
  for await (const text of child.stdout!.setEncoding("utf8")) {
    printed += text;
    if (!isWatching || printed.split("(Ctrl-C ends it)\n").length - 1 === waits) continue;
    waits += 1;
    if (waits === 1) await whileWaiting?.(rig);
    else child.kill("SIGINT");
  }
  return printed.replaceAll(rig.folder, "/project");
}

/** Without what another machine or day prints differently: times, names of runs, digests, decimals, widths. */
function stable(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "TIME")
    .replace(/(sha256:)?\b[0-9a-f]{12,64}\b/g, "DIGEST")
    .replace(/\b[0-9a-f]{6}(?= +\(?TIME)/g, "RUN")
    .replace(/\b\d+m \d+s\b|[+-]?\d+\.\d+(e-?\d+)?/g, "N")
    .replace(/N(e-?\d+)?/g, "N")
    .replace(/\b(\d+|N) (bytes|KB|MB)\b/g, "SIZE")
    .replace(/\b\d+ files and\b/g, "FILES and")
    .replace(/ *\n */g, " ")
    .replace(/ +/g, " ");
}

/**
 * Runs every line below a `$` of a page of documentation, from top to bottom, in a project with these files, and
 * compares what is printed with the page. UPDATE_GOLDEN=1 writes the page anew.
 */
export async function checkPage(
  page: string,
  filesOf: (text: string) => Promise<Readonly<Record<string, string>>>,
  setting: PageSetting = {},
): Promise<void> {
  const text = await readFile(page, "utf8");
  await using rig = await ProjectRig.create({
    "package.json": "{}",
    "bin/tunesmith": `#!/bin/sh\nexec "${process.execPath}" --import "${tsx}" "${main}" "$@"\n`,
    ...(await filesOf(text)),
  });
  await chmod(join(rig.folder, "bin/tunesmith"), 0o755);
  let written = "";
  let from = 0;
  for (const block of text.matchAll(/```console\n([\s\S]*?)```/g)) {
    const commands = [...block[1]!.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command!);
    let printed = "";
    for (const command of commands) {
      const result = await shell(rig, command, setting);
      printed += `$ ${command}\n${result}${result === "" ? "" : "\n"}`;
    }
    written += `${text.slice(from, block.index)}\`\`\`console\n${printed.trimEnd()}\n\`\`\``;
    from = block.index + block[0].length;
  }
  written += text.slice(from);
  if (process.env.UPDATE_GOLDEN) await writeFile(page, written);
  else assert.deepEqual(stable(written).split("$ "), stable(text).split("$ "));
}
