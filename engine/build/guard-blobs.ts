import type { BlobStore } from "../../cache/blob-store.ts";
import { StageFailure } from "../diagnostic.ts";
import { type Secrets, spellingsOf } from "../secrets.ts";

/** A blob store that takes no bytes with a secret in them: what lies in the cache is shared. Throws a StageFailure. */
export function guardBlobs(blobs: BlobStore, secrets: Secrets): BlobStore {
  if (secrets.size === 0) return blobs;
  const needles = [...secrets].flatMap(([name, value]) =>
    spellingsOf(value).map((spelling) => ({ name, bytes: Buffer.from(spelling) })),
  );
  const fail = (bytes: Uint8Array) => {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = needles.find((needle) => view.includes(needle.bytes));
    if (found !== undefined) throw secretInOutput(found.name);
  };
  const longest = Math.max(...needles.map(({ bytes }) => bytes.byteLength));
  async function* checked(pieces: AsyncIterable<Uint8Array>) {
    let tail: Uint8Array = new Uint8Array(0);
    for await (const piece of pieces) {
      // A secret may begin in one piece and end in the next.
      const both = Buffer.concat([tail, piece]);
      fail(both);
      tail = both.subarray(Math.max(0, both.byteLength - longest + 1));
      yield piece;
    }
  }
  return {
    has: (digest) => blobs.has(digest),
    hasAll: (asked) => blobs.hasAll(asked),
    get: (digest) => blobs.get(digest),
    read: (digest) => blobs.read(digest),
    materialize: (digest, toPath) => blobs.materialize(digest, toPath),
    verify: (digest) => blobs.verify(digest),
    async put(bytes) {
      if (!(bytes instanceof Uint8Array)) return blobs.put(checked(bytes));
      fail(bytes);
      return blobs.put(bytes);
    },
    async putFile(path) {
      const { createReadStream } = await import("node:fs");
      return blobs.put(checked(createReadStream(path)));
    },
  };
}

function secretInOutput(name: string): StageFailure {
  return new StageFailure({
    code: "secret-in-output",
    message: `An output of the stage holds the secret ${name}: nothing of it was kept.`,
    hint: "make the stage leave it out: what is in the cache may be shared",
  });
}
