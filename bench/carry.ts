/**
 * Packs what a machine with a GPU and no network needs to run this project into FOLDER (`node --import tsx bench/carry.ts
 * FOLDER`): the files of this checkout, this Node, the packages it needs, for this platform alone, and run-carried.sh,
 * which starts all there: `sh FOLDER/run.sh`. That machine needs sh, tar, gzip, and the graphics driver. With `--provider
 * LIBRARIES --compute 90` it is ONNX Runtime's CUDA provider instead, with kernels for that compute capability alone.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { kernelsFor } from "./kernels-for.ts";

const project = dirname(import.meta.dirname);
const MEBIBYTE = 2 ** 20;
const platform = `${process.platform}/${process.arch}`;

/** Of packages with binaries for many platforms, or sources to build from: what need not be carried. */
const leftOut: Readonly<Record<string, (path: string) => boolean>> = {
  "onnxruntime-node": (path) => /^bin\/napi-v\d+\/./.test(path) && !path.includes(platform),
  "better-sqlite3": (path) =>
    /^(deps|src)\//.test(path) || /^build\/(?!Release\/better_sqlite3\.node$)/.test(path),
};

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The package in this folder, and all that it needs, as folders in node_modules. */
function needed(names: readonly string[]): string[] {
  const found = new Set<string>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const folder = join(project, "node_modules", name);
    if (found.has(name) || !existsSync(folder)) continue; // a binary for another platform
    found.add(name);
    const { dependencies, optionalDependencies } = manifestOf(folder);
    waiting.push(...Object.keys({ ...dependencies, ...optionalDependencies }));
  }
  return [...found].sort();
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** Paths of a package's files, from the project. */
function filesOf(name: string): string[] {
  const folder = join("node_modules", name);
  const isLeftOut = leftOut[name] ?? (() => false);
  return readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(project, folder).length + 1))
    .filter((path) => !isLeftOut(path) && !/\.(map|md|cc|hh|h|d\.[cm]?ts)$/.test(path))
    .map((path) => join(folder, path));
}

/** gzip is everywhere; Node, once it is there, brings Brotli, which is smaller. */
function pack(archive: string, folder: string, files: readonly string[]): void {
  const options = [`--directory=${folder}`, "--null", "--files-from=-", "--create"];
  const input = files.map((path) => `${path}\0`).join("");
  const bytes = execFileSync("tar", options, { input, maxBuffer: 2 ** 31 });
  const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_LGWIN: window } = constants;
  const packed = archive.endsWith(".gz")
    ? gzipSync(bytes, { level: 9 })
    : brotliCompressSync(bytes, { params: { [quality]: 9, [window]: 24 } });
  writeFileSync(archive, packed);
}

/** Node without the symbols that only debuggers read. */
function packNode(archive: string): void {
  const folder = mkdtempSync(join(tmpdir(), "tunesmith-carry-"));
  try {
    copyFileSync(process.execPath, join(folder, "node"));
    execFileSync("strip", [join(folder, "node")]);
    pack(archive, folder, ["node"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Vulkan's loader, which the driver's own install may leave out. */
function vulkanLoader(): string | undefined {
  const known = execFileSync("ldconfig", ["-p"], { encoding: "utf8" });
  return /libvulkan\.so\.1 \(.*x86-64.*\) => (\S+)/.exec(known)?.[1];
}

/** ONNX Runtime's CUDA libraries, with the kernels of one compute capability alone. */
function packProvider(archive: string, libraries: string, capability: number): void {
  const folder = mkdtempSync(join(tmpdir(), "tunesmith-carry-"));
  try {
    const [cuda, shared] = ["cuda", "shared"].map((part) => `libonnxruntime_providers_${part}.so`);
    const { bytes, kept } = kernelsFor(capability, readFileSync(join(libraries, cuda!)));
    if (kept === 0) throw new Error(`There are no kernels for compute capability ${capability}.`);
    writeFileSync(join(folder, cuda!), bytes);
    copyFileSync(join(libraries, shared!), join(folder, shared!));
    pack(archive, folder, [cuda!, shared!]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function packProject(target: string): void {
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: project, encoding: "utf8" });
  const packages = needed([...Object.keys(manifestOf(project).dependencies!), "tsx"]);
  pack(join(target, "tree.tar.br"), project, tracked.split("\0").filter(Boolean));
  pack(join(target, "packages.tar.br"), project, packages.flatMap(filesOf));
  packNode(join(target, "node.tar.gz"));
  const loader = vulkanLoader();
  if (loader !== undefined) copyFileSync(loader, join(target, "libvulkan.so.1"));
  copyFileSync(join(project, "bench/run-carried.sh"), join(target, "run.sh"));
}

const { values, positionals } = parseArgs({
  options: { provider: { type: "string" }, compute: { type: "string" } },
  allowPositionals: true,
});
const [target] = positionals;
const { provider, compute } = values;
if (
  target === undefined ||
  platform !== "linux/x64" ||
  (provider === undefined) !== (compute === undefined)
) {
  console.error(
    "usage: node --import tsx bench/carry.ts FOLDER [--provider LIBRARIES --compute 90] (on Linux x64)",
  );
  process.exit(2);
}
mkdirSync(target, { recursive: true });
if (provider === undefined) packProject(target);
else packProvider(join(target, "provider.tar.br"), provider, Number(compute));

let total = 0;
for (const name of readdirSync(target)) {
  const { size } = statSync(join(target, name));
  total += size;
  console.log(`${(size / MEBIBYTE).toFixed(1).padStart(7)} MiB  ${name}`);
}
console.log(`${(total / MEBIBYTE).toFixed(1).padStart(7)} MiB  in all`);
