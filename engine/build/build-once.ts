import type { BuildClaims, ClaimHolder } from "../../cache/build-claims.ts";
import type { TraceKey } from "../../cache/trace-store.ts";
import type { NoticeEvent } from "../event.ts";
import type { TakeSlot } from "./scheduler.ts";
import type { Granted } from "./slot-pool.ts";

/** How a key is built by one process at a time. */
export interface BuildOnce<T> {
  readonly claims: BuildClaims;
  /** Aborted when the build stops: nobody is waited for any longer. */
  readonly stopping: AbortSignal;
  /** Runs work in one of the run's slots; rejects where the build has stopped. */
  readonly slot: TakeSlot;
  /** What others have built meanwhile; asked with the key claimed. */
  find(): Promise<T | undefined>;
  build(granted: Granted): Promise<T | undefined>;
  onWait(holder: ClaimHolder): void;
}

/**
 * Builds a key unless someone else who shares the cache is building it; then waits, without a slot,
 * and takes what they have built. Where their build fails, this one tries.
 */
export async function buildOnce<T extends object>(
  key: TraceKey,
  { claims, stopping, slot, find, build, onWait }: BuildOnce<T>,
): Promise<T | undefined> {
  for (let isFirst = true; ; isFirst = false) {
    const outcome = await slot(async (granted) => {
      const attempt = claims.tryClaim(key);
      if ("holder" in attempt) return { holder: attempt.holder };
      try {
        const result = (await find()) ?? (await build(granted));
        return result === undefined ? undefined : { result };
      } finally {
        attempt.claim.release();
      }
    });
    if (outcome === undefined) return undefined;
    if ("result" in outcome) return outcome.result;
    // Two stages of this run with one key: the first is on the screen.
    if (isFirst && outcome.holder.pid !== process.pid) onWait(outcome.holder);
    await claims.untilFree(key, stopping);
  }
}

/** Says whom a stage waits for. */
export function waitNotice(stage: string, { pid, host }: ClaimHolder): NoticeEvent {
  const message = `Process ${pid} on ${host} is building "${stage}" already: waiting for its result.`;
  return { type: "notice", code: "built-elsewhere", stage, message };
}
