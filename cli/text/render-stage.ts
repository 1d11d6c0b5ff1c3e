import pc from "picocolors";
import { stringify } from "yaml";
import { widthOf } from "../../engine/text-width.ts";
import type { CliContext } from "../context.ts";
import type { DescribedOutput, DescribedStage } from "../describe-stage.ts";
import { padEnd } from "./display-width.ts";
import {
  formatBytes,
  formatCount,
  formatInstant,
  formatNumber,
  formatSeconds,
} from "./format-quantity.ts";
import { printable, printableLine } from "./printable.ts";
import { renderEvaluation } from "./render-evaluation.ts";

const MOST_FILES = 30;

/** A stage for people: state, params, inputs, outputs with their files, metrics, reports, and where its log is. */
export function renderStage(described: DescribedStage, file: string, context: CliContext): string {
  const { stage, kind, params, result, log } = described;
  const { bold } = pc.createColors(context.color);
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", bold(title), ...lines.map((line) => `  ${line}`.trimEnd())];
  const report = result?.report;
  const lines = [
    ...facts([
      [bold(stage), kind],
      ["state", [described.state, printableLine(described.reason)].filter(Boolean).join(": ")],
      ...resultFacts(described),
    ]),
    ...section("params", asYaml(params)),
    ...section("inputs", facts(inputFacts(described))),
    ...section("outputs", (result?.outputs ?? []).flatMap(outputLines)),
    ...section("metrics", facts(metricFacts(result?.metrics ?? {}))),
    ...section("report", report === undefined ? [] : asYaml(report)),
    ...section(
      "evaluation",
      result?.evaluation === undefined ? [] : renderEvaluation(result.evaluation, context),
    ),
    ...section("log", log === undefined ? [] : [log, `tunesmith show ${file} ${stage} --log`]),
  ];
  return `${lines.join("\n")}\n`;
}

type Fact = readonly [name: string, value: string];

/** Names and values in two aligned columns. */
function facts(list: readonly Fact[]): readonly string[] {
  const width = Math.max(0, ...list.map(([name]) => widthOf(name)));
  return list.map(([name, value]) => `${padEnd(name, width)}  ${value}`.trimEnd());
}

function resultFacts({ seed, result, state }: DescribedStage): readonly Fact[] {
  const seeded: readonly Fact[] = seed === undefined ? [] : [["seed", String(seed)]];
  if (result === undefined) return seeded;
  const { key, finishedAt, seconds } = result;
  const made = `${formatInstant(finishedAt)} in ${formatSeconds(seconds)}`;
  const age = state === "cached" ? "" : " (before the change: what follows is of that result)";
  return [...seeded, ["key", key], ["made", `${made}${age}`]];
}

function inputFacts({ inputs }: DescribedStage): readonly Fact[] {
  return Object.entries(inputs).map(([port, { stage, port: output, parts, digest }]) => {
    const from = [stage, output, ...(parts === undefined ? [] : [parts.join("+")])].join(".");
    return [port, digest === undefined ? from : `${from}  ${digest.slice(0, 19)}`] as const;
  });
}

function outputLines({ port, type, digest, bytes, files }: DescribedOutput): readonly string[] {
  const size = `${formatCount(files.length, "file")}, ${formatBytes(bytes)}`;
  const listed = files
    .slice(0, MOST_FILES)
    .map(({ path, bytes: of }): Fact => [path, formatBytes(of)]);
  const more = files.length - listed.length;
  return [
    `${port} (${type}): ${size}  ${digest.slice(0, 19)}`,
    ...facts(listed).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${formatCount(more, "more file")}`] : []),
  ];
}

function metricFacts(metrics: Readonly<Record<string, number>>): readonly Fact[] {
  return Object.entries(metrics).map(([name, value]) => [name, formatNumber(value)]);
}

function asYaml(value: object | string | number | boolean | null): readonly string[] {
  if (typeof value === "object" && value !== null && Object.keys(value).length === 0) return [];
  return printable(stringify(value, { lineWidth: 0 }))
    .trimEnd()
    .split("\n");
}
