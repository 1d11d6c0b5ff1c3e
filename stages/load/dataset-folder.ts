import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { parse } from "yaml";
import { StageFailure } from "../../engine/diagnostic.ts";
import { filesMatching, matchesPattern } from "../../engine/pipeline/file-pattern.ts";
import { byCodeUnit } from "../by-code-unit.ts";
import { type Features, featuresOfCard, featuresOfJson } from "./dataset-features.ts";
import { inferSplits } from "./infer-splits.ts";
import { type Format, formatOfExtension } from "./load-params.ts";

/** A file of a folder. */
export interface FolderFile {
  readonly split: string;
  readonly path: string;
  readonly format: Format;
}

/** What a Hugging Face dataset's folder holds. */
export interface DatasetFolder {
  readonly files: readonly FolderFile[];
  /** What dataset_info.json or README.md says of the columns. */
  readonly features: Features;
}

const NOT_DATA = ["README.md", "config.json", "dataset_info.json", "dataset_infos.json"];
/** Of a folder that `save_to_disk` wrote. */
const SAVED_TO_DISK = ["dataset_dict.json", "state.json"];

/**
 * The files of a Hugging Face dataset's folder by split, as `datasets.load_dataset` finds them: as README.md says, else
 * by the names of files and folders. A StageFailure where there is nothing that can be read.
 */
export async function readDatasetFolder(folder: string): Promise<DatasetFolder> {
  const all = await filesMatching(folder, "**/*");
  const visible = all.filter((path) => !path.split("/").slice(0, -1).some(isSpecial));
  if (visible.length === 0) throw noData(folder, "it is empty, or no folder");
  if (visible.some((path) => SAVED_TO_DISK.includes(path.split("/").at(-1)!)))
    throw savedToDisk(folder);
  const card = visible.includes("README.md") ? await readCard(join(folder, "README.md")) : {};
  const data = visible.filter((path) => !NOT_DATA.includes(path));
  const splits = configuredSplits(folder, card, data) ?? inferSplits(data);
  const format = mostFrequentFormat([...splits.values()].flat());
  if (format === undefined) throw noData(folder, `its files are: ${shown(data)}`);
  const files = [...splits].flatMap(([split, paths]) =>
    paths
      .filter((path) => formatOfExtension(path) === format)
      .map((path) => ({ split, path: join(folder, path), format })),
  );
  for (const { split } of files)
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(split)) throw badSplit(folder, split);
  return { files, features: await readFeatures(folder, visible, card) };
}

function isSpecial(name: string): boolean {
  return name.startsWith(".") || name.startsWith("__");
}

/** Of files of several formats those of the most frequent one are the data. */
function mostFrequentFormat(paths: readonly string[]): Format | undefined {
  const counts = new Map<Format, number>();
  for (const path of paths) {
    const format = formatOfExtension(path);
    if (format) counts.set(format, (counts.get(format) ?? 0) + 1);
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || byCodeUnit(a, b))[0]?.[0];
}

type Card = Readonly<Record<string, unknown>>;

/** The YAML between the first two lines of dashes. */
async function readCard(path: string): Promise<Card> {
  const [, front] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(await readFile(path, "utf8")) ?? [];
  if (front === undefined) return {};
  try {
    const value: unknown = parse(front, { maxAliasCount: 0 });
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {}; // a card that is no YAML says nothing
  }
}

interface Config {
  readonly config_name?: unknown;
  readonly default?: unknown;
  readonly data_files?: unknown;
}

/** The splits that README.md names under `configs`, where it does. */
function configuredSplits(
  folder: string,
  { configs }: Card,
  data: readonly string[],
): ReadonlyMap<string, readonly string[]> | undefined {
  const given = (Array.isArray(configs) ? configs : []) as readonly Config[];
  const withFiles = given.filter(({ data_files }) => data_files !== undefined);
  if (withFiles.length === 0) return undefined;
  const preset = withFiles.find((one) => one.default === true || one.config_name === "default");
  const chosen = preset ?? (withFiles.length === 1 ? withFiles[0] : undefined);
  if (chosen === undefined) throw severalConfigs(folder, withFiles);
  const splits = new Map<string, readonly string[]>();
  const files = [chosen.data_files].flat() as readonly unknown[];
  for (const item of files) {
    const { split, path } =
      typeof item === "object" ? ({ ...item } as Card) : { split: "train", path: item };
    const patterns = [path].flat().map(String);
    const found = data.filter((one) => patterns.some((pattern) => isMatched(one, pattern)));
    splits.set(String(split), [...(splits.get(String(split)) ?? []), ...found]);
  }
  return splits;
}

/** A pattern of a folder's name means all files below. */
function isMatched(path: string, pattern: string): boolean {
  return matchesPattern(path, pattern.replace(/(^|\/)\*\*$/, "$1**/*").replace(/^\.\//, ""));
}

async function readFeatures(
  folder: string,
  paths: readonly string[],
  { dataset_info: info }: Card,
): Promise<Features> {
  if (paths.includes("dataset_info.json")) {
    const path = join(folder, "dataset_info.json");
    try {
      const json = JSON.parse(await readFile(path, "utf8")) as { features?: unknown } | null;
      return featuresOfJson(json?.features);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new StageFailure({ code: "invalid-json", message: `${path} is not JSON.` });
    }
  }
  const [one] = [info].flat() as readonly ({ features?: unknown } | undefined)[];
  return featuresOfCard(one?.features);
}

function shown(paths: readonly string[]): string {
  const extensions = new Set(paths.map((path) => extname(path) || path));
  return [...extensions].slice(0, 8).join(", ");
}

function noData(folder: string, why: string): StageFailure {
  return new StageFailure({
    code: "no-data-files",
    message: `${folder}: the folder has no data that can be read: ${why}.`,
    hint: "Parquet, CSV, TSV, JSON Lines, text and CoNLL files are read; name a single file with its extension",
  });
}

function savedToDisk(folder: string): StageFailure {
  return new StageFailure({
    code: "saved-to-disk",
    message: `${folder}: save_to_disk wrote this folder; its Arrow files are not read.`,
    hint: 'in Python: load_from_disk(…)["train"].to_parquet("data/train.parquet"), and so for each split',
  });
}

function severalConfigs(folder: string, configs: readonly Config[]): StageFailure {
  const names = configs.map(({ config_name: name }) => String(name)).join(", ");
  return new StageFailure({
    code: "several-configs",
    message: `${folder}: README.md names several configurations, and none of them as the default: ${names}.`,
    hint: "name the files of one: files: { train: …, test: … }",
  });
}

function badSplit(folder: string, split: string): StageFailure {
  return new StageFailure({
    code: "split-name",
    message: `${folder}: "${split}" is no name of a split.`,
    hint: "letters, digits, - and _ may be in it",
  });
}
