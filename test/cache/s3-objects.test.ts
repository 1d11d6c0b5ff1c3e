import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "../../cache/digest.ts";
import { s3Objects, signRequest } from "../../cache/remote/s3-objects.ts";
import { createIdentity, runOnMachine, shortPatience } from "../rig/remote-machines.ts";
import { startRemoteServer } from "../rig/remote-server.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const now = () => new Date("2013-05-24T00:00:00Z");
const url = new URL("https://examplebucket.s3.amazonaws.com/test.txt");

// The worked examples of Amazon's page on signature version 4 for S3, with their keys and results:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
test("requests are signed as in Amazon's examples: GET of a part", () => {
  const request = { method: "GET", url, headers: { range: "bytes=0-9" } } as const;
  const { headers } = signRequest(request, { region: "us-east-1", credentials, now });
  assert.equal(
    headers.authorization,
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  );
});

test("requests are signed as in Amazon's examples: PUT", () => {
  const text = "Welcome to Amazon S3.";
  const put = new URL("https://examplebucket.s3.amazonaws.com/test%24file.text");
  const headers = {
    date: "Fri, 24 May 2013 00:00:00 GMT",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
  };
  const content = { digest: digestOf(text), bytes: text.length, pieces: async function* () {} };
  const signed = signRequest(
    { method: "PUT", url: put, headers },
    { region: "us-east-1", credentials, content, now },
  );
  assert.match(
    signed.headers.authorization!,
    /Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd$/,
  );
});

test("results go through a bucket, path style, below the prefix", async (t) => {
  const folder = await temporaryFolder(t);
  await using server = await startRemoteServer();
  const identity = createIdentity();
  const objects = s3Objects({
    endpoint: new URL(server.url.origin),
    bucket: "cache",
    prefix: "/team/tunesmith",
    region: "eu-central-1",
    credentials: { ...credentials, sessionToken: "a session" },
    patience: shortPatience,
  });
  const seen = new Set<string>();
  server.tamper = ({ headers }) => {
    seen.add(
      `${headers["x-amz-security-token"]} ${/^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-central-1\/s3\//.test(headers.authorization ?? "")}`,
    );
    return false;
  };
  const common = { url: server.url, objects, trusted: [identity] };
  await runOnMachine({ ...common, folder: join(folder, "ci"), identity });
  const fetched = await runOnMachine({ ...common, folder: join(folder, "laptop") });
  assert.deepEqual([fetched.executed, fetched.problems], [[], []]);
  assert.deepEqual([...seen], ["a session true"]);
  assert.ok([...server.objects.keys()].every((name) => name.startsWith("team/tunesmith/")));
});
