import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { isAbsolute, join } from "node:path";
import { errnoOf } from "../cache/cache-error.ts";
import { nvidiaDriver } from "../compute/devices/cuda/nvidia-driver.ts";
import type { Slots } from "../engine/build/slot-pool.ts";
import type { Diagnostic } from "../engine/diagnostic.ts";
import { checkSchema } from "../engine/pipeline/check-schema.ts";
import { parse } from "../engine/pipeline/parse.ts";
import { reportTo } from "../engine/pipeline/report.ts";
import { decodeSource } from "../engine/pipeline/source-text.ts";
import { renderDiagnostics } from "../engine/render-diagnostic.ts";
import { type CliContext, exitCodes } from "./context.ts";

const BYTES_PER_GB = 1e9;

/** JSON Schema of a user's own configuration: what this machine lends to the stages of a run. */
export const configurationSchema = {
  type: "object",
  properties: {
    slots: {
      type: "object",
      properties: {
        gpu: { type: "array", items: { type: ["integer", "string"] }, uniqueItems: true },
        cpu: { type: "number", exclusiveMinimum: 0 },
        memory_gb: { type: "number", exclusiveMinimum: 0 },
      },
      additionalProperties: false,
      default: {},
    },
  },
  additionalProperties: false,
} as const;

interface Configuration {
  readonly slots: {
    readonly gpu?: readonly (string | number)[];
    readonly cpu?: number;
    readonly memory_gb?: number;
  };
}

/**
 * What stages may take on this machine: what the user's configuration says under `slots`, else what the system tells.
 * Under webgpu that is at most one graphics device, whatever its id: all stages of a run are on one adapter, the driver's
 * choice or that of `--device webgpu:1`. Mistakes in the configuration are printed.
 */
export function machineSlots(
  context: CliContext,
  device: string,
): { readonly slots: Slots } | { readonly exitCode: number } {
  const configuration = readConfiguration(context);
  if ("exitCode" in configuration) return configuration;
  const { gpu, cpu, memory_gb } = configuration.slots;
  return {
    slots: {
      gpus:
        device === "webgpu"
          ? (gpu ?? [0]).slice(0, 1).map(String)
          : (gpu?.map(String) ?? visibleGpus(context.environment)),
      cpu: cpu ?? availableParallelism(),
      memory_gb: memory_gb ?? totalmem() / BYTES_PER_GB,
    },
  };
}

function readConfiguration(context: CliContext): Configuration | { readonly exitCode: number } {
  const path = configurationPath(context);
  let bytes: Uint8Array;
  try {
    if (path === undefined) return { slots: {} };
    bytes = readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { slots: {} };
  }
  const diagnostics: Diagnostic[] = [];
  const report = reportTo(diagnostics);
  const file = decodeSource(path, bytes, report);
  const node = file && parse(file, report);
  const place = node && { file: node.place.file, range: { start: 0, end: 0 } };
  const keys = "key of the configuration";
  const value =
    node && place && checkSchema(configurationSchema, { node, place, prefix: "", keys }, report);
  if (value !== undefined) return value as unknown as Configuration;
  const { color, columns } = context;
  context.stderr.write(renderDiagnostics(diagnostics, { color, columns }));
  return { exitCode: exitCodes.usage };
}

/** TUNESMITH_CONFIG, else tunesmith/config.yaml in the user's folder for configuration. */
function configurationPath({ environment, cwd }: CliContext): string | undefined {
  const { TUNESMITH_CONFIG: chosen, XDG_CONFIG_HOME: base, HOME: home } = environment;
  if (chosen) return isAbsolute(chosen) ? chosen : join(cwd, chosen);
  const folder = base || (home && join(home, ".config"));
  return folder ? join(folder, "tunesmith", "config.yaml") : undefined;
}

/** CUDA_VISIBLE_DEVICES, else the devices that NVIDIA's driver lists. */
function visibleGpus({ CUDA_VISIBLE_DEVICES: visible }: CliContext["environment"]): string[] {
  if (visible !== undefined)
    return visible
      .split(",")
      .map((id) => id.trim())
      .filter((id) => id !== "" && id !== "-1");
  return (nvidiaDriver()?.gpus ?? []).map((_, index) => String(index));
}
