import { HostPool } from "../engine/build/host-pool.ts";
import type { Pipeline } from "../engine/pipeline/pipeline.ts";
import type { CliContext } from "./context.ts";

/** Makes the pool of processes in which a pipeline's stages run, with the cache that they read from and write to. */
export function startHosts(
  { environment, hostModule }: CliContext,
  { folder, secrets }: Pick<Pipeline, "folder" | "secrets">,
  cacheFolder: string,
): HostPool {
  return new HostPool({
    module: hostModule,
    args: [cacheFolder],
    environment: { ...allocatorSettings, ...environment },
    cwd: folder,
    ...(secrets && { secrets }),
  });
}

/**
 * To glibc's allocator (others ignore it): memory that a training step frees is kept for the next,
 * instead of being given back and cleared page by page each time, a tenth of the step.
 */
const allocatorSettings = {
  MALLOC_TRIM_THRESHOLD_: "4294967296",
  MALLOC_MMAP_THRESHOLD_: "33554432",
};
