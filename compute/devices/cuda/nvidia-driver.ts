import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** NVIDIA's kernel driver. */
export interface NvidiaDriver {
  readonly version: string;
  /** Names of the graphics devices, by their numbers. */
  readonly gpus: readonly string[];
}

/** In `NVIDIA UNIX x86_64 Kernel Module  535.104.05  …` and `… Open Kernel Module for x86_64  580.65.06  …`. */
const VERSION = /Module .*?(\d+\.[\d.]+)/;

/** The driver of this machine; undefined where there is none. */
export function nvidiaDriver(): NvidiaDriver | undefined {
  const loaded = loadedDriver("/proc/driver/nvidia");
  if (loaded !== undefined) return loaded;
  // Windows' driver serves its Linux (WSL), too, and is no module of that kernel.
  const asked = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
  return listedDriver(spawnSync("nvidia-smi", asked, { encoding: "utf8" }).stdout ?? "");
}

/** The driver as the kernel tells of its module below this folder; undefined where there is none. */
export function loadedDriver(folder: string): NvidiaDriver | undefined {
  try {
    const version = readFileSync(join(folder, "version"), "utf8");
    const gpus = readdirSync(join(folder, "gpus")).map((id) => {
      const text = readFileSync(join(folder, "gpus", id, "information"), "utf8");
      return /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? "unknown";
    });
    return { version: VERSION.exec(version)?.[1] ?? "unknown", gpus };
  } catch {
    return undefined; // no such file: no driver
  }
}

/** The driver by lines of name and version, one for each graphics device. */
export function listedDriver(listing: string): NvidiaDriver | undefined {
  const lines = [...listing.matchAll(/^(.+), (\d[\d.]*)$/gm)];
  const version = lines[0]?.[2];
  return version === undefined ? undefined : { version, gpus: lines.map(([, name]) => name!) };
}
