import type { Problem } from "./diagnostic.ts";
import type { Progress } from "./stage.ts";

/** Why a stage was executed, served from the cache, or left out. */
export type StageReason =
  | "new" // no trace with this key
  | "forced"
  | "not-cacheable" // `cache: false`
  | "blob-missing" // a trace was there, its bytes were not
  | "up-to-date" // a trace with this key and all its bytes
  | "upstream-failed"
  | "interrupted"
  | "gate" // ran or was cached, but `require` was not met
  | "error"
  | "crash";

interface StageEventBase {
  readonly type: "stage";
  readonly stage: string;
}

/** What happens to a stage during a run. */
export type StageEvent =
  | (StageEventBase & {
      readonly state: "started";
      readonly key: string;
      readonly reason: StageReason;
      readonly why?: string;
      readonly expectedSeconds?: number;
    })
  | (StageEventBase & { readonly state: "progress"; readonly progress: Progress })
  | (StageEventBase & { readonly state: "log"; readonly line: string })
  | (StageEventBase & {
      readonly state: "cached";
      readonly key: string;
      readonly seconds: number;
      readonly reason: StageReason;
      readonly metrics: Readonly<Record<string, number>>;
    })
  | (StageEventBase & {
      readonly state: "executed";
      readonly key: string;
      readonly seconds: number;
      readonly reason: StageReason;
      readonly metrics: Readonly<Record<string, number>>;
    })
  | (StageEventBase & {
      readonly state: "failed";
      readonly key?: string;
      readonly seconds: number;
      readonly reason: StageReason;
      readonly problem: Problem;
      readonly log?: string;
    })
  | (StageEventBase & {
      readonly state: "skipped";
      readonly reason: StageReason;
      readonly because?: string;
    });

/** Something worth saying that concerns no single stage's state: a healed blob, an unrecorded result. */
export interface NoticeEvent {
  readonly type: "notice";
  readonly code: string;
  readonly stage?: string;
  readonly message: string;
}

/** The last event of a run; stage names in topological order. */
export interface SummaryEvent {
  readonly type: "summary";
  readonly executed: readonly string[];
  readonly cached: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly seconds: number;
}

/** Everything a user sees of a run. Reporters are pure consumers of it. */
export type Event = StageEvent | NoticeEvent | SummaryEvent;
