import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { StageFailure } from "../../engine/diagnostic.ts";
import { TOKENIZER_FILES, type TokenizerFiles } from "../artifacts/tokenizer.ts";

/** The tokenizer's files in a folder, or a tokenizer.json alone, as they are. */
export async function readTokenizer(path: string): Promise<TokenizerFiles> {
  const isFolder = (await stat(path)).isDirectory();
  if (!isFolder) return new Map([["tokenizer.json", await readFile(path)]]);
  const files = new Map<string, Uint8Array>();
  for (const name of TOKENIZER_FILES) {
    const bytes = await readIfThere(join(path, name));
    if (bytes) files.set(name, bytes);
  }
  if (files.has("tokenizer.json")) return files;
  throw new StageFailure({
    code: "no-tokenizer-json",
    message: `${path}: the folder has no tokenizer.json.`,
    hint: "a folder with vocab.txt or merges.txt alone is of an older kind; Python's AutoTokenizer.from_pretrained(…).save_pretrained(…) writes a tokenizer.json",
  });
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
