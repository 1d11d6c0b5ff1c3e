import { traceOf } from "../manifest.ts";
import type { Trace } from "../trace-store.ts";
import { isPublicKey, isSignedBy, type PublicKey, type SigningKey } from "./signing-key.ts";

const format = 1;
/** Signed together with the manifest, so that the signature means nothing elsewhere. */
const domain = "tunesmith manifest 1\n";

/** A manifest with its signature: what lies in a remote cache for a key. */
export function signManifest(manifest: string, key: SigningKey): string {
  const signature = key.sign(domain + manifest);
  return `${JSON.stringify({ format, signer: key.publicKey, signature, manifest })}\n`;
}

/** Whose signature a signed manifest claims, and the manifest, nothing verified; `undefined` for anything else. */
export function readSigned(text: string) {
  const value = parse(text);
  if (value?.format !== format) return undefined;
  const { signer, signature, manifest } = value;
  const isWhole = typeof signature === "string" && typeof manifest === "string";
  return isWhole && isPublicKey(signer) ? { signer, signature, manifest } : undefined;
}

/** The trace of a signed manifest and its manifest's text, if one of the trusted keys signed it; else why not. */
export function openSigned(
  text: string,
  trusted: ReadonlySet<PublicKey>,
): { readonly trace: Trace; readonly manifest: string } | { readonly refused: string } {
  const signed = readSigned(text);
  if (signed === undefined) return { refused: "it is no signed manifest" };
  const { signer, signature, manifest } = signed;
  if (!trusted.has(signer)) return { refused: `its signer ${signer} is not trusted` };
  if (!isSignedBy(signer, domain + manifest, signature))
    return { refused: "its signature is not that of its signer" };
  const trace = traceOf(manifest);
  if (typeof trace === "string") return { refused: `its manifest is ${trace}` };
  return { trace, manifest };
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
