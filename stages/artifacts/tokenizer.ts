import type { ArtifactType } from "../../engine/artifact.ts";
import { malformed } from "./malformed.ts";

/** The file of a chat template, which goes before the one in tokenizer_config.json. */
export const CHAT_TEMPLATE_FILE = "chat_template.jinja";

/** The files of a Hugging Face folder that make a tokenizer; the first is required. */
export const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  CHAT_TEMPLATE_FILE,
] as const;

/** Content by file name, as it was given: always tokenizer.json, the others where there are any. */
export type TokenizerFiles = ReadonlyMap<string, Uint8Array>;

/** A tokenizer as its Hugging Face files. */
export const tokenizer: ArtifactType<TokenizerFiles> = {
  name: "tokenizer",
  format: 1,
  async write(value, files) {
    for (const [name, bytes] of value) await files.write(name, bytes);
  },
  async read(files) {
    const found = TOKENIZER_FILES.filter((name) => files.has(name));
    if (found[0] !== "tokenizer.json") throw malformed("tokenizer", "tokenizer.json", "is missing");
    return new Map(
      await Promise.all(found.map(async (name) => [name, await files.read(name)] as const)),
    );
  },
};
