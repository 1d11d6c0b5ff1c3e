import { readFile } from "node:fs/promises";
import type { InitializeHook, LoadHook, ResolveHook } from "node:module";
import { fileURLToPath } from "node:url";
import { OWN_QUERY } from "../../engine/build/explain-thrown.ts";
import { isTypeScript } from "../../engine/own-stages/parse-module.ts";
import { stripTypes } from "../../engine/own-stages/strip-types.ts";

// Node calls these in a thread of their own, for every import in the host process.

let apiUrl = "";

/** Takes the URL of what "tunesmith" means to own stages. */
export const initialize: InitializeHook<{ readonly apiUrl: string }> = (data) => {
  apiUrl = data.apiUrl;
};

/** Marks what an own stage imports by a relative path as its own code, too. */
export const resolve: ResolveHook = (specifier, context, nextResolve) => {
  if (isOwn(specifier)) return { url: specifier, shortCircuit: true };
  const { parentURL } = context;
  if (parentURL === undefined || !isOwn(parentURL)) return nextResolve(specifier, context);
  if (specifier === "tunesmith") return nextResolve(apiUrl, context);
  if (!/^\.{1,2}\//.test(specifier)) return nextResolve(specifier, context);
  return { url: `${new URL(specifier, parentURL)}?${OWN_QUERY}`, shortCircuit: true };
};

/** Reads own code, its types taken away; as modules, whatever a package.json says. */
export const load: LoadHook = async (url, context, nextLoad) => {
  if (!isOwn(url)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const text = await readFile(path, "utf8");
  if (path.endsWith(".json")) return { format: "json", source: text, shortCircuit: true };
  return { format: "module", source: codeOf(path, text), shortCircuit: true };
};

function codeOf(path: string, text: string): string {
  if (!isTypeScript(path)) return text;
  const stripped = stripTypes(text);
  if (stripped.ok) return stripped.value;
  throw new SyntaxError(`${path}: ${stripped.error.message}`);
}

function isOwn(url: string): boolean {
  return url.startsWith("file:") && url.endsWith(`?${OWN_QUERY}`);
}
