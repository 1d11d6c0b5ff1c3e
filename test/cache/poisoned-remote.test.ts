import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { digestOf, hexOf } from "../../cache/digest.ts";
import { manifestOf, traceOf } from "../../cache/manifest.ts";
import { readSigned, signManifest } from "../../cache/remote/signed-manifest.ts";
import { readSigningKey } from "../../cache/remote/signing-key.ts";
import type { Trace } from "../../cache/trace-store.ts";
import { pathsBelow } from "../rig/crash-points.ts";
import { createIdentity, runOnMachine } from "../rig/remote-machines.ts";
import { type RemoteServer, startRemoteServer } from "../rig/remote-server.ts";
import { memoryFolder, temporaryFolder } from "../rig/temporary-folder.ts";

const all = ["rows", "clean", "left", "right", "tokens", "train", "save"];
const [ci, attacker] = [createIdentity(), createIdentity()];
const [ciKey, attackerKey] = [readSigningKey(ci.pem)!, readSigningKey(attacker.pem)!];

/** What a server does with what it holds: another body, or an answer of its own. */
type Poison = (bytes: Buffer, name: string, response: ServerResponse) => Buffer | "answered";

const sealed = (content: object) => {
  const body = JSON.stringify(content);
  return `{"check":"${digestOf(body)}","content":${body}}\n`;
};

/** The manifest of a signed one, changed, in the signed form that `wrap` gives it. */
const manifests =
  (
    change: (trace: Trace) => Trace | string,
    wrap = (manifest: string) => signManifest(manifest, ciKey),
  ): Poison =>
  (bytes) => {
    const changed = change(traceOf(readSigned(bytes.toString())!.manifest) as Trace);
    return Buffer.from(wrap(typeof changed === "string" ? changed : manifestOf(changed)));
  };

/** The signed form itself changed. */
const envelope =
  (change: (signed: Record<string, string>) => unknown): Poison =>
  (bytes) =>
    Buffer.from(JSON.stringify(change(JSON.parse(bytes.toString()))));

/** Answers of its own. */
const answer =
  (
    status: number,
    headers: Record<string, string | number> = {},
    body: string | Buffer = "",
  ): Poison =>
  (_bytes, _name, response) => {
    response.writeHead(status, headers).end(body);
    return "answered";
  };

const page = "<!doctype html><title>Sign in</title><p>Please sign in to the wireless network.</p>";
const bomb = gzipSync(Buffer.alloc(20_000_000));

/** Bytes that come one at a time, or too many, for as long as they are listened to. */
const endless =
  (piece: Buffer, pause: number, headers = {}): Poison =>
  (_bytes, _name, response) => {
    response.writeHead(200, headers);
    const timer = setInterval(() => response.write(piece), pause);
    response.on("close", () => clearInterval(timer));
    return "answered";
  };

const breaks =
  (share: number): Poison =>
  (bytes, _name, response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, bytes.length * share), () => response.destroy());
    return "answered";
  };

const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at % copy.length]! ^= 1;
  return copy;
};

/** How any object can be broken, whatever it holds. */
const ofAnyObject: Readonly<Record<string, Poison>> = {
  "an HTML page": answer(200, { "content-type": "text/html" }, page),
  empty: () => Buffer.alloc(0),
  "a bit flipped in the middle": (bytes) => flipped(bytes, bytes.length >> 1),
  "half of it": (bytes) => bytes.subarray(0, bytes.length >> 1),
  "one byte more": (bytes) => Buffer.concat([bytes, Buffer.from("}")]),
  "another object": (bytes, name) =>
    name.startsWith("blobs") ? Buffer.from("other") : bytes.subarray(1),
  "packed with gzip, said so": (bytes, _name, response) =>
    answer(200, { "content-encoding": "gzip" }, gzipSync(bytes))(bytes, "", response),
  "packed with gzip, not said": (bytes) => gzipSync(bytes),
  "packed with brotli": (bytes, name, response) =>
    answer(200, { "content-encoding": "br" }, brotliCompressSync(bytes))(bytes, name, response),
  "a bomb": answer(200, { "content-encoding": "gzip" }, bomb),
  "a bomb, not said": () => bomb,
  "huge, said so": answer(200, { "content-length": 1e12 }),
  "huge, not said": endless(Buffer.alloc(500_000), 1),
  "too slow": endless(Buffer.from(" "), 50),
  "a pause in the middle": endless(Buffer.from(" "), 60_000),
  "no answer": () => "answered",
  "a connection that breaks at once": (_bytes, _name, response) => {
    response.destroy();
    return "answered";
  },
  "a connection that breaks in the middle": breaks(0.5),
  "a connection that breaks before the last byte": breaks(0.99),
  "more announced than comes": (bytes, _name, response) => {
    response.writeHead(200, { "content-length": bytes.length + 10 });
    response.write(bytes);
    return "answered";
  },
  "status 204": answer(204),
  "status 206 of another part": answer(206, { "content-range": "bytes 5-9/10" }, "12345"),
  "status 206 without a part": answer(206, {}, "12345"),
  "status 401": answer(401, { "www-authenticate": 'Bearer realm="http://127.0.0.1:1/"' }),
  "status 403": answer(403),
  "status 418": answer(418),
  "status 429": answer(429, { "retry-after": 3600 }),
  "status 500": answer(500, {}, page),
  "status 503": answer(503),
  "a redirect in circles": (_bytes, name, response) =>
    answer(302, { location: `/cache/${name}` })(Buffer.alloc(0), name, response),
  "a redirect to nowhere": answer(302),
  "a redirect to no address": answer(307, { location: "http://[" }),
  "a redirect to a file": answer(301, { location: "file:///etc/passwd" }),
  "a redirect into this machine": answer(308, { location: "http://127.0.0.1:1/admin" }),
  "huge headers": answer(200, { "x-much": "x".repeat(60_000) }, "1"),
};

const ofManifests: Readonly<Record<string, Poison>> = {
  unsigned: (bytes) => Buffer.from(readSigned(bytes.toString())!.manifest),
  "signed by a key that nobody trusts": manifests(
    (trace) => trace,
    (text) => signManifest(text, attackerKey),
  ),
  "signed by another, said to be by the trusted one": manifests(
    (trace) => trace,
    (text) =>
      JSON.stringify({ ...JSON.parse(signManifest(text, attackerKey)), signer: ci.publicKey }),
  ),
  "the signature of another manifest": envelope((signed) => ({
    ...signed,
    signature: ciKey.sign("another text"),
  })),
  "the right signature of the bare text": envelope((signed) => ({
    ...signed,
    signature: ciKey.sign(signed.manifest!),
  })),
  "outputs exchanged after signing": envelope((signed) => ({
    ...signed,
    manifest: signed.manifest!.replace(/sha256:[0-9a-f]{64}"}/, `${digestOf("evil")}"}`),
  })),
  "no signature": envelope(({ signature: _, ...signed }) => signed),
  "an empty signature": envelope((signed) => ({ ...signed, signature: "" })),
  "a signature that is a list": envelope((signed) => ({
    ...signed,
    signature: [signed.signature],
  })),
  "a signer that is no key": envelope((signed) => ({ ...signed, signer: "ed25519:AAAA" })),
  "a signer in another spelling": envelope((signed) => ({
    ...signed,
    signer: signed.signer!.toUpperCase(),
  })),
  "a key of small order": envelope((signed) => ({
    ...signed,
    signer: `ed25519:${Buffer.alloc(32).toString("base64")}`,
    signature: Buffer.alloc(64).toString("base64"),
  })),
  "a form from the future": envelope((signed) => ({ ...signed, format: 2 })),
  "a manifest that is an object": envelope((signed) => ({
    ...signed,
    manifest: JSON.parse(signed.manifest!),
  })),
  "a list": envelope((signed) => [signed]),
  null: () => Buffer.from("null"),
  "UTF-16": (bytes) => Buffer.from(bytes.toString(), "utf16le"),
  "zeros in front": (bytes) => Buffer.concat([Buffer.alloc(16), bytes]),
  "5 MB of spaces behind it": (bytes) => Buffer.concat([bytes, Buffer.alloc(5_000_000, " ")]),
  "of an older format, well signed": manifests((trace) => sealed({ ...trace, format: 0 })),
  "damaged inside, well signed": manifests((trace) =>
    manifestOf(trace).replace("seconds", "Seconds"),
  ),
  "of another key, well signed": manifests((trace) => ({
    ...trace,
    key: hexOf(digestOf("other")) as Trace["key"],
  })),
  "a key that is a path": manifests((trace) =>
    sealed({ ...trace, format: 1, key: "../../../../tmp/evil" }),
  ),
  "a digest that is a path": manifests((trace) =>
    sealed({ ...trace, format: 1, outputs: { text: "sha256:../../../../etc/passwd" } }),
  ),
  "other ports": manifests((trace) => ({ ...trace, outputs: { "../text": trace.outputs.text! } })),
  "no ports": manifests((trace) => ({ ...trace, outputs: {} })),
};

const tree = (files: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ type: "text", format: 1, files });
const file = { digest: digestOf("evil"), bytes: 4 };

/** Trees that a careless or bought signer has signed for: every digest is right. */
const signedTrees: Readonly<Record<string, string>> = {
  "a path with ..": tree({ "../evil": file }),
  "a path with .. inside": tree({ "a/../../evil": file }),
  "an absolute path": tree({ "/tmp/evil": file }),
  "a Windows path": tree({ "C:\\evil": file }),
  "a path with backslashes": tree({ "..\\evil": file }),
  "a path with NUL": tree({ "text.txt\0.png": file }),
  "a path with a line break": tree({ "text\n.txt": file }),
  "an empty path": tree({ "": file }),
  "a dot": tree({ ".": file }),
  "a name of 300 bytes": tree({ ["e".repeat(300)]: file }),
  "a device's name": tree({ "aux.txt": file }),
  "a dot at the end": tree({ "text.txt.": file }),
  "two names that differ in case": tree({ "text.txt": file, "TEXT.txt": file }),
  "two names that differ in form": tree({ "caf\u00e9": file, "cafe\u0301": file }),
  "a file that is a folder too": tree({ text: file, "text/evil": file }),
  "half a character": tree({ "\ud800": file }),
  "a digest that is a path": tree({ "text.txt": { digest: "sha256:../../evil", bytes: 4 } }),
  "a negative size": tree({ "text.txt": { ...file, bytes: -1 } }),
  "a size that is a text": tree({ "text.txt": { ...file, bytes: "4" } }),
  "a wrong size": tree({ "text.txt": { ...file, bytes: 3 } }),
  "files that are missing": tree({ "text.txt": { digest: digestOf("nowhere"), bytes: 7 } }),
  "more bytes than any result": tree({ "text.txt": { ...file, bytes: 2e10 + 1 } }),
  "no tree": "[]",
  "no JSON": "evil",
};

let server: RemoteServer;
before(async () => {
  server = await startRemoteServer();
});
after(() => server[Symbol.asyncDispose]());

/** Everything a machine's user has outside the cache, as one digest. */
async function outsideOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const paths = await pathsBelow(folder);
  for (const path of [...paths].sort()) {
    const name = relative(folder, path);
    if (name.startsWith("laptop/cache/") || name.startsWith("laptop/project/")) continue;
    hash.update(name).update(await readFile(path));
  }
  return hash.digest("hex");
}

function poisonTest(about: string, poison: Poison, isPoisoned: (name: string) => boolean): void {
  test(about, async (t) => {
    const folder = await temporaryFolder(t, { "user.txt": "mine" }, { parent: memoryFolder });
    server.tamper = () => false;
    server.objects.clear();
    const common = { url: server.url, trusted: [ci] };
    await runOnMachine({ ...common, folder: join(folder, "ci"), identity: ci });
    server.tamper = ({ name, method }, response) => {
      const bytes = server.objects.get(name);
      if (method !== "GET" || bytes === undefined || !isPoisoned(name)) return false;
      const poisoned = poison(bytes, name, response);
      if (poisoned !== "answered")
        response.writeHead(200, { "content-length": poisoned.length }).end(poisoned);
      return true;
    };
    const before = await outsideOf(folder);
    const run = await runOnMachine({ ...common, folder: join(folder, "laptop") });
    assert.deepEqual(
      [run.executed, run.failed, run.exitBits],
      [all, [], 0],
      run.problems.join("\n"),
    );
    assert.ok(run.problems.length > 0);
    assert.equal(await outsideOf(folder), before);
  });
}

for (const [name, poison] of Object.entries(ofAnyObject)) {
  poisonTest(`manifests: ${name}`, poison, (object) => object.startsWith("manifests"));
  poisonTest(`blobs: ${name}`, poison, (object) => object.startsWith("blobs"));
}
for (const [name, poison] of Object.entries(ofManifests))
  poisonTest(`manifests: ${name}`, poison, (object) => object.startsWith("manifests"));

for (const [name, bytes] of Object.entries(signedTrees)) {
  const digest = digestOf(bytes);
  const serve = manifests((trace) => ({ ...trace, outputs: { text: digest } }));
  poisonTest(
    `well signed, an output with ${name}`,
    (object, path, response) => {
      for (const content of [bytes, "evil"]) {
        const hex = hexOf(digestOf(content));
        server.objects.set(`blobs/${hex.slice(0, 2)}/${hex.slice(2)}`, Buffer.from(content));
      }
      return serve(object, path, response);
    },
    (object) => object.startsWith("manifests"),
  );
}

test("someone without a key uploads first: the result is not used, nor is it replaced", async (t) => {
  const folder = await temporaryFolder(t, {}, { parent: memoryFolder });
  server.tamper = () => false;
  server.objects.clear();
  const url = server.url;
  await runOnMachine({
    folder: join(folder, "pull request"),
    url,
    trusted: [attacker],
    identity: attacker,
  });
  const poisoned = new Map(server.objects);
  const main = await runOnMachine({
    folder: join(folder, "main"),
    url,
    trusted: [ci],
    identity: ci,
  });
  assert.deepEqual([main.executed, main.failed, main.exitBits], [all, [], 0]);
  assert.deepEqual(server.objects, poisoned);
});

test("a server that speaks no HTTP, and one that is not there", async (t) => {
  const folder = await temporaryFolder(t, {}, { parent: memoryFolder });
  const noise = createServer(
    (socket) => void socket.on("error", () => {}).write("SSH-2.0-OpenSSH\r\n"),
  );
  await new Promise<void>((resolve) => noise.listen(0, "127.0.0.1", resolve));
  t.after(() => noise.close());
  const { port } = noise.address() as { port: number };
  for (const [name, at] of [
    ["noise", port],
    ["nobody", 1],
  ] as const) {
    const url = new URL(`http://127.0.0.1:${at}/cache/`);
    const run = await runOnMachine({ folder: join(folder, name), url, trusted: [ci] });
    assert.deepEqual([run.executed, run.failed, run.problems.length], [all, [], 3]);
  }
});
