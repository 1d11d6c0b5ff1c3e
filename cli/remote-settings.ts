import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { parseDocument } from "yaml";
import { errnoOf } from "../cache/cache-error.ts";
import {
  isPublicKey,
  type PublicKey,
  readSigningKey,
  type SigningKey,
} from "../cache/remote/signing-key.ts";
import type { Problem } from "../engine/diagnostic.ts";
import { failure, type Result, success } from "../engine/result.ts";
import type { CliContext } from "./context.ts";

/** The remote cache that a project or the environment names. */
export interface RemoteSettings {
  readonly url: URL;
  readonly trusted: ReadonlySet<PublicKey>;
  /** Whether the environment names the remote too: only then do credentials go there. */
  readonly isOwn: boolean;
  readonly signingKey?: SigningKey;
}

/** The file of a project's settings, in its folder. */
export const settingsFile = "tunesmith.yaml";

/**
 * Where a project's remote cache is and whose results count: `remote: { url, trusted_keys }` in tunesmith.yaml, and
 * TUNESMITH_REMOTE (`off` for none), TUNESMITH_TRUSTED_KEYS and TUNESMITH_SIGNING_KEY (a file; with it results are
 * pushed) of the environment. A project's file alone can neither get credentials sent nor anything pushed.
 */
export async function readRemoteSettings(
  { environment, cwd }: Pick<CliContext, "environment" | "cwd">,
  project: string,
): Promise<Result<RemoteSettings | undefined, Problem>> {
  const named = await readSettingsFile(join(project, settingsFile));
  if (!named.ok) return named;
  const own = environment.TUNESMITH_REMOTE ?? "";
  const address = own === "" ? named.value.url : own;
  if (address === undefined || address === "off") return success(undefined);
  const url = parseUrl(address);
  if (url === undefined) return wrong(`The remote cache "${address}" is no http, https or s3 URL.`);
  const listed = (environment.TUNESMITH_TRUSTED_KEYS ?? "").split(/[\s,]+/).filter(Boolean);
  const keys = [...named.value.trustedKeys, ...listed];
  const badKey = keys.find((key) => !isPublicKey(key));
  if (badKey !== undefined) return wrong(`The trusted key "${badKey}" is no public key.`);
  const isOwn = own !== "";
  const path = isOwn ? (environment.TUNESMITH_SIGNING_KEY ?? "") : "";
  const signingKey = path === "" ? success(undefined) : await readKey(path, cwd);
  if (!signingKey.ok) return signingKey;
  const key = signingKey.value;
  const trusted = new Set([...keys.filter(isPublicKey), ...(key ? [key.publicKey] : [])]);
  return success({ url, trusted, isOwn, ...(key && { signingKey: key }) });
}

interface NamedRemote {
  readonly url?: string;
  readonly trustedKeys: readonly string[];
}

async function readSettingsFile(path: string): Promise<Result<NamedRemote, Problem>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    if (errnoOf(error) === "ENOENT") return success({ trustedKeys: [] });
    return wrong(`${path} cannot be read: ${(error as Error).message}`);
  }
  const document = parseDocument(text);
  if (document.errors.length > 0)
    return wrong(`${path}: ${document.errors[0]!.message.split("\n")[0]}`);
  const { remote, ...others } = (document.toJS({ maxAliasCount: 0 }) ?? {}) as Record<
    string,
    unknown
  >;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return wrong(`${path} has a key "${unknown}" that is not known.`);
  if (remote === undefined) return success({ trustedKeys: [] });
  const { url, trusted_keys = [], ...rest } = (remote ?? {}) as Record<string, unknown>;
  const isSound =
    typeof url === "string" && isTexts(trusted_keys) && Object.keys(rest).length === 0;
  if (isSound) return success({ url, trustedKeys: trusted_keys });
  return wrong(`${path}: remote has the keys url, a text, and trusted_keys, a list of texts.`);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

async function readKey(path: string, cwd: string): Promise<Result<SigningKey, Problem>> {
  const absolute = isAbsolute(path) ? path : join(cwd, path);
  try {
    const key = readSigningKey(await readFile(absolute, "utf8"));
    return key === undefined ? wrong(`${path} holds no ed25519 private key.`) : success(key);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return wrong(`The signing key ${path} cannot be read: ${(error as Error).message}`);
  }
}

function parseUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return ["http:", "https:", "s3:"].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

function wrong(message: string): Result<never, Problem> {
  return failure({
    code: "remote-settings",
    message,
    hint: "see the section on the remote cache in the README; TUNESMITH_REMOTE=off does without",
  });
}
