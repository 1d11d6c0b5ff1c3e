// Lines per folder, and files that grew beyond 300 lines: smallness is a discipline.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const files = execFileSync("git", ["ls-files", "*.ts", "*.mjs"], { encoding: "utf8" })
  .trim()
  .split("\n");
const lines = new Map(
  files.map((file) => [file, readFileSync(file, "utf8").split("\n").length - 1]),
);
const folders = new Map();
for (const [file, count] of lines) {
  const folder = file.split("/")[0];
  const sum = folders.get(folder) ?? { files: 0, lines: 0 };
  folders.set(folder, { files: sum.files + 1, lines: sum.lines + count });
}
console.table(Object.fromEntries([...folders].sort(([a], [b]) => (a < b ? -1 : 1))));
const crowded = [...lines].filter(([, count]) => count > 300).sort(([, a], [, b]) => b - a);
for (const [file, count] of crowded) console.log(`${String(count).padStart(6)} ${file}`);
