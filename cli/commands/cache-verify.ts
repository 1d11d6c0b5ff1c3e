import { type CacheReport, exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import type { CliContext } from "../context.ts";
import { writeJson } from "../examine-file.ts";
import { findProject, withProjectCache } from "../open-project-cache.ts";
import { createProgressBar } from "../progress-bar.ts";
import { readRemoteSettings } from "../remote-settings.ts";
import { formatCount } from "../text/format-quantity.ts";
import { printableLine } from "../text/printable.ts";

/** What `tunesmith cache verify` takes. */
export interface VerifyFlags {
  readonly project?: string;
  readonly json: boolean;
}

/**
 * Reads and checks the whole cache; what is corrupt goes to quarantine and is made again by the next run. The exit code
 * has bits: 1 something was corrupt or missing, 2 untrusted, 4 something could not be checked.
 */
export function verify(context: CliContext, { project, json }: VerifyFlags): Promise<number> {
  return withProjectCache(context, project, async (cache) => {
    const settings = await readRemoteSettings(context, await findProject(context, project));
    const trusted = settings.ok ? settings.value?.trusted : undefined;
    const bar = createProgressBar(context, "checking files");
    const report = await verifyCache(cache, {
      onProgress: bar.show,
      ...(trusted && { trusted }),
    }).finally(bar.close);
    if (json) writeJson(context, { type: "cache-verify", ...report });
    else context.stdout.write(renderReport(report, cache.folder.quarantine));
    return exitBitsOf(report);
  });
}

function renderReport(
  { blobs, manifests, untrusted, failures }: CacheReport,
  quarantine: string,
): string {
  const corrupt = [...blobs.corrupt, ...manifests.corrupt];
  const lines = [
    `${formatCount(blobs.intact, "file")} and ${formatCount(manifests.intact, "trace")} are intact.`,
  ];
  if (manifests.foreign > 0)
    lines.push(
      `${formatCount(manifests.foreign, "trace")} of another version of tunesmith: left alone.`,
    );
  for (const path of corrupt) lines.push(`corrupt: ${printableLine(path)}`);
  if (corrupt.length > 0) lines.push(`What is corrupt was moved to ${quarantine}.`);
  if (manifests.restored > 0)
    lines.push(
      `${formatCount(manifests.restored, "trace")} could be written again from the index.`,
    );
  for (const { key, missing } of manifests.dropped)
    lines.push(`dropped: the result ${key.slice(0, 12)} lacks ${missing.slice(0, 19)}`);
  for (const { key, signer } of untrusted)
    lines.push(`untrusted: the result ${key.slice(0, 12)} was signed by ${signer}`);
  for (const { path, message } of failures)
    lines.push(`not checked: ${printableLine(path)}: ${printableLine(message)}`);
  lines.push(...advice(corrupt.length + manifests.dropped.length, failures.length));
  return `${lines.join("\n")}\n`;
}

function advice(damaged: number, failed: number): readonly string[] {
  return [
    ...(damaged > 0
      ? [
          "What was lost is made again by the next `tunesmith run`. If this repeats, check the disk.",
        ]
      : []),
    ...(failed > 0 ? ["Check the permissions of what could not be read, then verify again."] : []),
  ];
}
