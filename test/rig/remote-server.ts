import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers a request in its own way; returns false to have it answered as usual. */
export type Tamper = (
  request: {
    readonly method: string;
    readonly name: string;
    readonly headers: IncomingMessage["headers"];
  },
  response: ServerResponse,
) => boolean | Promise<boolean>;

/** A server of objects on this machine, and what it holds. */
export interface RemoteServer extends AsyncDisposable {
  readonly url: URL;
  readonly objects: Map<string, Buffer>;
  /** The requests so far: `GET blobs/ab/cd…`. */
  readonly requests: string[];
  tamper: Tamper;
}

/** Starts a server that keeps what is put, once for each name, and gives it back whole or in part. */
export async function startRemoteServer(): Promise<RemoteServer> {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];
  const remote = { objects, requests, tamper: (() => false) as Tamper };
  const server = createServer(async (request, response) => {
    const { method = "", headers } = request;
    const name = decodeURI(request.url ?? "").replace(/^\/cache\//, "");
    requests.push(`${method} ${name}`);
    if (await remote.tamper({ method, name, headers }, response)) return;
    if (method === "PUT") await put(objects, name, request, response);
    else give(objects.get(name), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(remote, {
    url: new URL(`http://127.0.0.1:${port}/cache/`),
    [Symbol.asyncDispose]: () => stop(server),
  });
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function put(
  objects: Map<string, Buffer>,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request as AsyncIterable<Uint8Array>) pieces.push(piece);
  const isNew = request.headers["if-none-match"] !== "*" || !objects.has(name);
  if (isNew) objects.set(name, Buffer.concat(pieces));
  response.writeHead(isNew ? 201 : 412).end();
}

function give(bytes: Buffer | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (bytes === undefined) return void response.writeHead(404, { "content-length": 0 }).end();
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const from = range === null ? 0 : Number(range[1]);
  const part = bytes.subarray(from);
  const partly = { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(range === null ? 200 : 206, {
    "content-length": part.length,
    ...(range === null ? {} : partly),
  });
  response.end(request.method === "HEAD" ? undefined : part);
}
