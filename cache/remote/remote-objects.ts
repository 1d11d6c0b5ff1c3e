import type { Digest } from "../digest.ts";

/** The bytes of an object from some place on, as they come. */
export interface RemoteBody {
  /** Where the bytes start: 0 where the server does not give parts. */
  readonly from: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** What is written. It can be read again for another try. */
export interface RemoteContent {
  readonly digest: Digest;
  readonly bytes: number;
  pieces(): AsyncIterable<Uint8Array>;
}

/**
 * Named objects on a server, each written once. Names are made of digests and keys only. Nothing
 * that comes back is to be believed. All throw RemoteFailure.
 */
export interface RemoteObjects {
  /** For messages: no credentials in it. */
  readonly label: string;
  /** An object of which at most so many bytes are of use, from a place on; `undefined` where there is none. */
  get(
    name: string,
    options: { readonly from: number; readonly most: number },
  ): Promise<RemoteBody | undefined>;
  has(name: string): Promise<boolean>;
  /** Writes an object unless there is one of this name. */
  putNew(name: string, content: RemoteContent): Promise<"written" | "there">;
}

/** A remote cache that did not do what it should: out of reach, slow, or wrong. It is done without. */
export class RemoteFailure extends Error {
  /** Whether trying again could help: the connection broke, the server has a bad moment. */
  readonly isPassing: boolean;

  constructor(
    message: string,
    { isPassing = false, cause }: { isPassing?: boolean; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "RemoteFailure";
    this.isPassing = isPassing;
  }
}
