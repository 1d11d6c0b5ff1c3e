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

/** The driver as Linux tells of it below this folder; undefined where there is none. */
export function nvidiaDriver(folder = "/proc/driver/nvidia"): NvidiaDriver | undefined {
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
