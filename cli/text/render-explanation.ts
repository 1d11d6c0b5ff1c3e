import pc from "picocolors";
import type { StageExplanation } from "../explain-stage.ts";
import {
  formatBytes,
  formatCount,
  formatInstant,
  formatRoughSeconds,
  formatSeconds,
} from "./format-quantity.ts";
import { printableLine } from "./printable.ts";

/** Why a stage would run, or would not, for people. */
export function renderExplanation(explanation: StageExplanation, color: boolean): string {
  const { stage, changedFiles, downstream, unaffected, state } = explanation;
  const { bold } = pc.createColors(color);
  const lines = [`${bold(stage)} ${opening(explanation)}`];
  lines.push(...listed(explanation));
  for (const { stage: cause, reason: of } of explanation.causes)
    lines.push(`  ${cause} ${causeVerb(explanation)}: ${printableLine(of)}`);
  if (changedFiles.length > 0)
    lines.push(`changed since the lockfile: ${changedFiles.map(printableLine).join(", ")}`);
  lines.push(...sayExpected(explanation));
  if (state === "cached") lines.push(...sayResult(explanation.result!));
  if (downstream.length > 0) lines.push(`below it: ${downstream.join(", ")}${whenBelow(state)}`);
  if (unaffected.length > 0) lines.push(`stays as it is: ${unaffected.join(", ")}`);
  return `${lines.join("\n")}\n`;
}

function opening({ state, reason, changes }: StageExplanation): string {
  switch (state) {
    case "cached":
      return reason === ""
        ? "is up to date: nothing that decides its result has changed."
        : "is up to date, but the run fails:";
    case "will-run":
      return "will run:";
    case "pending":
      return changes.length > 0
        ? "will run, after what it reads:"
        : "may run: its input may turn out different, or equal.";
    case "broken":
      return "cannot run:";
  }
}

/** What changed, a line each; the reason where no field did. */
function listed({ changes, reason, state }: StageExplanation): readonly string[] {
  const alone = state === "pending" || reason === "" ? [] : [reason];
  const texts = changes.length > 0 ? changes.map(({ text }) => text) : alone;
  return texts.map((text) => `  ${printableLine(text)}`);
}

/** By past runs. */
function sayExpected(explanation: StageExplanation): readonly string[] {
  const { expectedSeconds: own, expectedSecondsWithBelow: all } = explanation;
  if (own === undefined) return [];
  const withBelow = all === undefined ? "" : `; with all below it about ${formatRoughSeconds(all)}`;
  return [`expected: about ${formatRoughSeconds(own)}${withBelow}`];
}

function causeVerb({ state }: StageExplanation): string {
  return state === "pending" ? "runs before it" : "is above it";
}

function whenBelow(state: StageExplanation["state"]): string {
  return state === "cached" ? "" : " (each runs only if what it reads changes)";
}

function sayResult(result: NonNullable<StageExplanation["result"]>): readonly string[] {
  const { key, finishedAt, seconds, files, bytes, changesBefore, madeAs } = result;
  const size = `${formatCount(files, "file")}, ${formatBytes(bytes)}`;
  const made = `  made ${formatInstant(finishedAt)} in ${formatSeconds(seconds)}: ${size}, all in the cache`;
  const changes = changesBefore.map(({ text }) => `    ${printableLine(text)}`);
  return [
    `  key ${key.slice(0, 12)}, as when ${madeAs === undefined ? "it" : printableLine(madeAs)} last ran`,
    made,
    ...sayWhyNot(result),
    ...(changes.length > 0 ? ["  before that it was different:", ...changes] : []),
  ];
}

/** What people may have expected to make it run. */
function sayWhyNot(result: NonNullable<StageExplanation["result"]>): readonly string[] {
  const { madeAs, ignored, defaults, equalAgain } = result;
  return [
    ...(madeAs === undefined ? [] : ["  a stage's name is no part of its key"]),
    ...ignored.map(
      ({ text }) => `  changed, but does not decide the result: ${printableLine(text)}`,
    ),
    ...equalAgain.map((name) => `  ${name} ran again and gave the same output`),
    ...(defaults.length > 0
      ? [`  at their defaults, so no part of the key: ${defaults.join(", ")}`]
      : []),
  ];
}
