import { createHash } from "node:crypto";
import { CacheError } from "./cache-error.ts";

declare const brand: unique symbol;

/**
 * The sha256 of some bytes, as `sha256:` and 64 lower-case hex digits. No other string ever becomes
 * a path in the cache.
 */
export type Digest = `sha256:${string}` & { readonly [brand]: "Digest" };

const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Whether a value is a digest, letter for letter. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && digestPattern.test(value);
}

/**
 * Reads a digest; throws a CacheError (`digest-invalid`) for anything but `sha256:` and 64
 * lower-case hex digits.
 */
export function digestFrom(text: string): Digest {
  if (isDigest(text)) return text;
  throw new CacheError("digest-invalid", `${JSON.stringify(text.slice(0, 100))} is not a digest.`, {
    hint: 'A digest is "sha256:" and 64 hex digits in lower case.',
  });
}

/** The digest of bytes, or of a text's UTF-8 bytes. */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(content).digest("hex")}` as Digest;
}

/** The 64 hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** A digest being computed from bytes that come in pieces. */
export interface Digester {
  update(bytes: Uint8Array): void;
  /** The digest of everything so far; the last call. */
  digest(): Digest;
}

/** Starts a digest of bytes that come in pieces. */
export function createDigester(): Digester {
  const hash = createHash("sha256");
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => `sha256:${hash.digest("hex")}` as Digest,
  };
}
