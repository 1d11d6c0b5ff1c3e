import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ProjectRig } from "./project-rig.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const tsx = fileURLToPath(import.meta.resolve("tsx"));

/** Runs one line of a page in a shell; all it prints. */
function shell(rig: ProjectRig, command: string): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${join(rig.folder, "bin")}:${process.env.PATH}`,
    ...{ COLUMNS: "100", LANG: "C.UTF-8", NO_COLOR: "1", CI: "true" },
    ...{ GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.org" },
    ...{ GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@example.org" },
  };
  return new Promise((resolve) => {
    execFile("sh", ["-c", `{ ${command}; } 2>&1`], { cwd: rig.folder, env }, (_, stdout) =>
      resolve(stdout),
    );
  });
}

/** Without what another machine or day prints differently: times, names of runs, digests, decimals, widths. */
function stable(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "TIME")
    .replace(/(sha256:)?\b[0-9a-f]{12,64}\b/g, "DIGEST")
    .replace(/\b[0-9a-f]{6}(?= +\(?TIME)/g, "RUN")
    .replace(/\b\d+m \d+s\b|[+-]?\d+\.\d+(e-?\d+)?/g, "N")
    .replace(/N(e-?\d+)?/g, "N")
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
      const result = await shell(rig, command);
      printed += `$ ${command}\n${result}${result === "" ? "" : "\n"}`;
    }
    written += `${text.slice(from, block.index)}\`\`\`console\n${printed.trimEnd()}\n\`\`\``;
    from = block.index + block[0].length;
  }
  written += text.slice(from);
  if (process.env.UPDATE_GOLDEN) await writeFile(page, written);
  else assert.equal(stable(written), stable(text));
}
