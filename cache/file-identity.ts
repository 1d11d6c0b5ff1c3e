import type { FileFacts } from "./file-system.ts";

/** One string for a file as it is now: it differs once the file was replaced or written to. */
export function identityOf(facts: FileFacts): string {
  return `${facts.dev} ${facts.inode} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`;
}

const racyMilliseconds = 2000;

/**
 * Whether a file changed so shortly before `now` (milliseconds since 1970) that a further change
 * could leave its identity equal, because clocks of file systems tick in up to 2 seconds. What is
 * read then must not be remembered. git calls such files racy. https://git-scm.com/docs/racy-git
 */
export function isRacy(facts: FileFacts, now: number): boolean {
  const limit = BigInt(Math.floor(now) - racyMilliseconds) * 1_000_000n;
  return facts.mtimeNs >= limit || facts.ctimeNs >= limit;
}

/** What was found instead of a blob, for a message. */
export function foundOther(facts: FileFacts): string {
  if (facts.kind === "file") return `${facts.size} bytes of another digest were found`;
  return facts.kind === "other"
    ? "something that is no file was found"
    : `a ${facts.kind} was found`;
}
