import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

declare const brand: unique symbol;

/** A public ed25519 key as text: `ed25519:` and the base64 of its 32 bytes. */
export type PublicKey = `ed25519:${string}` & { readonly [brand]: "PublicKey" };

/** A key that signs manifests. */
export interface SigningKey {
  readonly publicKey: PublicKey;
  sign(text: string): string;
}

const pattern = /^ed25519:[A-Za-z0-9+/]{43}=$/;
// What stands before the 32 bytes in an ed25519 key's SPKI form, RFC 8410.
const spkiHead = Buffer.from("302a300506032b6570032100", "hex");

/** Whether a value is a public key, letter for letter. */
export function isPublicKey(value: unknown): value is PublicKey {
  return typeof value === "string" && pattern.test(value);
}

/** A new key: the private half as PEM, and the public half. */
export function createSigningKey(): { readonly pem: string; readonly publicKey: PublicKey } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { pem, publicKey: textOf(publicKey) };
}

/** Reads a private key's PEM; `undefined` for anything but an ed25519 key. */
export function readSigningKey(pem: string): SigningKey | undefined {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return undefined;
  }
  if (key.asymmetricKeyType !== "ed25519") return undefined;
  return {
    publicKey: textOf(createPublicKey(key)),
    sign: (text) => sign(null, Buffer.from(text), key).toString("base64"),
  };
}

/** Whether the owner of a public key signed this text. */
export function isSignedBy(publicKey: PublicKey, text: string, signature: string): boolean {
  const raw = Buffer.from(publicKey.slice("ed25519:".length), "base64");
  const key = createPublicKey({ key: Buffer.concat([spkiHead, raw]), format: "der", type: "spki" });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, "base64"));
}

function textOf(key: KeyObject): PublicKey {
  const spki = key.export({ type: "spki", format: "der" });
  return `ed25519:${spki.subarray(spkiHead.byteLength).toString("base64")}` as PublicKey;
}
