import type { Examined } from "../../engine/build/examine-pipeline.ts";

/** What would happen to a stage, in words for a table. */
export type StateWords = "cached" | "will run" | "pending" | "fails";

/** What would happen to a stage, in a word or two. */
export function sayState(examined: Examined): StateWords {
  switch (examined.state) {
    case "cached":
      return examined.unmetGate === undefined ? "cached" : "fails";
    case "will-run":
      return "will run";
    case "pending":
      return "pending";
    case "broken":
      return "fails";
  }
}

/** Why: what changed, what it waits for, or what is wrong; empty for a stage that is up to date. */
export function sayReason(examined: Examined): string {
  switch (examined.state) {
    case "cached":
      return examined.unmetGate?.message ?? "";
    case "will-run":
      return sayWillRun(examined);
    case "pending":
      return [
        ...examined.changes.map(({ text }) => text),
        `waits for ${examined.upstream.join(", ")}`,
      ].join("; ");
    case "broken":
      return examined.problem.message;
  }
}

function sayWillRun({ reason, changes }: Examined & { readonly state: "will-run" }): string {
  switch (reason) {
    case "new":
      return "never ran before";
    case "changed":
      return changes.map(({ text }) => text).join("; ");
    case "blob-missing":
      return "its stored output is gone";
    case "not-cacheable":
      return "runs always (cache: false)";
  }
}
