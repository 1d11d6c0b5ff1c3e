import { createHash, createHmac } from "node:crypto";
import { hexOf } from "../digest.ts";
import type { HttpRequest, Patience } from "./http-exchange.ts";
import { HttpObjects } from "./http-objects.ts";
import type { RemoteContent } from "./remote-objects.ts";

/** A bucket, and who asks for what is in it. */
export interface S3Options {
  /** The server; requests are path-style: `https://endpoint/bucket/name`. */
  readonly endpoint: URL;
  readonly bucket: string;
  /** Before each name; may be empty. */
  readonly prefix: string;
  readonly region: string;
  readonly credentials: S3Credentials;
  readonly patience?: Patience;
  /** @default Date */
  readonly now?: () => Date;
}

/** An access key as Amazon's tools take it from the environment. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Objects in an S3-compatible bucket, each request signed with AWS Signature Version 4. */
export function s3Objects({
  endpoint,
  bucket,
  prefix,
  patience,
  ...signing
}: S3Options): HttpObjects {
  const path = [bucket, ...prefix.split("/")].filter(Boolean).map(encodeURIComponent).join("/");
  const base = new URL(`${path}/`, endpoint.href.replace(/\/*$/, "/"));
  return new HttpObjects({
    base,
    authorize: (request, content) => signRequest(request, { ...signing, content }),
    ...(patience && { patience }),
  });
}

const emptySha256 = createHash("sha256").digest("hex");

/**
 * A request with the headers that prove who sends it:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signRequest(
  request: HttpRequest,
  {
    region,
    credentials,
    content,
    now = () => new Date(),
  }: Pick<S3Options, "region" | "credentials" | "now"> & { content?: RemoteContent | undefined },
): HttpRequest {
  const { method, url } = request;
  const time = now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, "");
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    "x-amz-content-sha256": content === undefined ? emptySha256 : hexOf(content.digest),
    "x-amz-date": time,
    ...(sessionToken && { "x-amz-security-token": sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    url.pathname,
    url.searchParams.toString(),
    ...names.map((name) => `${name}:${headers[name]!.trim()}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const hash = createHash("sha256").update(canonical).digest("hex");
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash}`;
  const key = scope
    .split("/")
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`);
  const signature = hmac(key, toSign).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${names.join(";")},Signature=${signature}`;
  return { ...request, headers: { ...headers, authorization } };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
