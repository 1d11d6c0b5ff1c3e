import { open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { errnoOf } from "../../cache/cache-error.ts";
import { createSigningKey } from "../../cache/remote/signing-key.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { reportProblem } from "../report-problem.ts";

/** Makes a key that signs results: the private half into a new file that only its user may read, the public half to stdout. */
export async function createKeys(context: CliContext, file: string): Promise<number> {
  const { pem, publicKey } = createSigningKey();
  const path = isAbsolute(file) ? file : join(context.cwd, file);
  try {
    const handle = await open(path, "wx", 0o600);
    await handle.writeFile(pem);
    await handle.close();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    const hint = "name a file that does not exist yet";
    const message = `The key cannot be written to ${file}: ${(error as Error).message}`;
    reportProblem(context, { code: "key-not-written", message, hint });
    return errnoOf(error) === "EEXIST" ? exitCodes.usage : exitCodes.io;
  }
  context.stderr.write(
    `Keep ${file} secret; TUNESMITH_SIGNING_KEY=${file} pushes with it. Others trust the key below, in trusted_keys.\n`,
  );
  context.stdout.write(`${publicKey}\n`);
  return exitCodes.ok;
}
