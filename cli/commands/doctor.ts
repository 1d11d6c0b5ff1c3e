import pc from "picocolors";
import { type CliContext, exitCodes } from "../context.ts";
import { examineCache, examineSqlite } from "../doctor/examine-cache.ts";
import {
  examineAccelerators,
  examineProcessor,
  examineTokenizers,
} from "../doctor/examine-compute.ts";
import { examineMachine, examineNode } from "../doctor/examine-machine.ts";
import type { Finding } from "../doctor/finding.ts";
import { writeJson } from "../examine-file.ts";
import { findProject } from "../open-project-cache.ts";
import { cacheFolderOf } from "../open-workspace.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printableLine } from "../text/printable.ts";
import { renderTable } from "../text/render-table.ts";

/**
 * Looks at the machine and tries what tunesmith needs. Exit code 1 where something needed does not work. With `--json`:
 * `{"type":"doctor","findings":[{"name","state":"ok|note|absent|failed","detail","hint"?}]}`.
 */
export async function doctor(
  context: CliContext,
  { json }: { readonly json: boolean },
): Promise<number> {
  const findings = await examineAll(context);
  if (json) writeJson(context, { type: "doctor", findings });
  else context.stdout.write(renderFindings(findings, context));
  return findings.some(({ state }) => state === "failed") ? exitCodes.failed : exitCodes.ok;
}

async function examineAll(context: CliContext): Promise<readonly Finding[]> {
  const project = await findProject(context, undefined);
  return [
    { name: "tunesmith", state: "ok", detail: context.version },
    examineNode(process.version),
    examineMachine(),
    await examineProcessor(),
    ...(await examineAccelerators()),
    await examineTokenizers(),
    await examineSqlite(),
    await examineCache(cacheFolderOf(context, { project })),
  ];
}

function renderFindings(findings: readonly Finding[], context: CliContext): string {
  const { dim, green, yellow, red } = pc.createColors(context.color);
  const paints = { ok: green, note: yellow, absent: dim, failed: red };
  const rows = findings.map(({ name, state, detail, hint }) => [
    name,
    { text: state, paint: paints[state] },
    printableLine(hint === undefined ? detail : `${detail} (${hint})`),
  ]);
  const { ellipsis } = glyphsOf(context.environment);
  const style = { width: context.columns, ellipsis, paintTitle: dim };
  const table = renderTable(
    [{ title: "what" }, { title: "state" }, { title: "found" }],
    rows,
    style,
  );
  const failed = findings.filter(({ state }) => state === "failed").map(({ name }) => name);
  const verdict =
    failed.length === 0 ? "all that is needed works" : `does not work: ${failed.join(", ")}`;
  return `${table}\n${verdict}\n`;
}
