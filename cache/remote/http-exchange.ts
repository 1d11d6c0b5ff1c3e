import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RemoteFailure } from "./remote-objects.ts";

/** A request to a server. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Read once for each request. */
  body?(): AsyncIterable<Uint8Array>;
}

/** An answer whose body has not come yet; it must be read, or dropped. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly pieces: AsyncIterable<Uint8Array>;
  drop(): void;
}

/** How long a server may take. */
export interface Patience {
  /** Until the answer's headers. @default 10,000 */
  readonly answerMilliseconds: number;
  /** Between two pieces. @default 15,000 */
  readonly pieceMilliseconds: number;
  /** Slower than this, beyond the time for an answer, is too slow. @default 16 KiB */
  readonly bytesPerSecond: number;
}

/** Enough for a bad line; far from enough to be held up by a server that never ends. */
export const usualPatience: Patience = {
  answerMilliseconds: 10_000,
  pieceMilliseconds: 15_000,
  bytesPerSecond: 16 * 1024,
};

const mostRedirects = 3;
const agents = {
  "http:": new http.Agent({ keepAlive: true, maxSockets: 8 }),
  "https:": new https.Agent({ keepAlive: true, maxSockets: 8 }),
};

/**
 * Sends a request and returns the answer's headers and its body as it comes, bounded in time. A redirect is followed on
 * the same origin only; nothing is unpacked. Throws RemoteFailure.
 */
export async function exchange(
  request: HttpRequest,
  patience = usualPatience,
): Promise<HttpAnswer> {
  let url = request.url;
  for (let redirects = 0; ; redirects++) {
    const answer = await send({ ...request, url }, patience);
    if (![301, 302, 303, 307, 308].includes(answer.status)) return refusePacked(answer);
    answer.drop();
    const target = targetOf(answer, url);
    if (target.origin !== request.url.origin)
      throw new RemoteFailure(`${url.origin} redirects to another origin, ${target.origin}`);
    if (redirects === mostRedirects)
      throw new RemoteFailure(`${url.origin} redirects again and again`);
    url = target;
  }
}

function targetOf({ headers }: HttpAnswer, from: URL): URL {
  try {
    return new URL(headers.location ?? "", from);
  } catch (cause) {
    throw new RemoteFailure(`${from.origin} redirects to nowhere`, { cause });
  }
}

function refusePacked(answer: HttpAnswer): HttpAnswer {
  const encoding = answer.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return answer;
  answer.drop();
  throw new RemoteFailure(`the answer is packed (${encoding}), which was not asked for`);
}

async function send(
  { method, url, headers, body }: HttpRequest,
  patience: Patience,
): Promise<HttpAnswer> {
  const protocol = url.protocol === "https:" ? "https:" : "http:";
  const { request: open } = protocol === "https:" ? https : http;
  const sending = (Number(headers["content-length"] ?? 0) / patience.bytesPerSecond) * 1000;
  const waiting = AbortSignal.timeout(Math.ceil(patience.answerMilliseconds + sending));
  const request = open(url, {
    method,
    headers: { "accept-encoding": "identity", ...headers },
    agent: agents[protocol],
  });
  const stop = () => request.destroy(new Error("the server did not answer in time"));
  waiting.addEventListener("abort", stop);
  // What goes wrong after the answer is told by its pieces.
  request.on("error", () => {});
  try {
    const answered = once(request, "response") as Promise<[http.IncomingMessage]>;
    // An answer can come before all was sent: what then happens to the rest does not matter.
    if (body === undefined) request.end();
    else pipeline(Readable.from(body()), request).catch(() => undefined);
    const [response] = await answered;
    const { statusCode = 0 } = response;
    return {
      status: statusCode,
      headers: response.headers,
      pieces: boundedPieces(response, patience),
      drop: () => drop(response, method),
    };
  } catch (cause) {
    throw failureOf(url, cause);
  } finally {
    waiting.removeEventListener("abort", stop);
  }
}

const smallBytes = 64 * 1024;

/** Ends an answer; reads to its end what is short, so that the connection can be used again. */
function drop(response: http.IncomingMessage, method: HttpRequest["method"]): void {
  const { "content-length": length } = response.headers;
  const isShort = method === "HEAD" || (length !== undefined && Number(length) <= smallBytes);
  if (!isShort) return void response.destroy();
  response.setTimeout(1000, () => response.destroy());
  response.resume();
}

async function* boundedPieces(
  response: http.IncomingMessage,
  { answerMilliseconds, pieceMilliseconds, bytesPerSecond }: Patience,
): AsyncGenerator<Uint8Array> {
  const started = performance.now();
  let received = 0;
  response.setTimeout(pieceMilliseconds, () =>
    response.destroy(new Error("the server stopped sending")),
  );
  try {
    for await (const piece of response as AsyncIterable<Uint8Array>) {
      received += piece.byteLength;
      const allowed = answerMilliseconds + (received / bytesPerSecond) * 1000;
      if (performance.now() - started > allowed)
        throw new RemoteFailure("the server sends too slowly");
      yield piece;
    }
    if (!response.complete) throw new RemoteFailure("the answer broke off", { isPassing: true });
  } catch (cause) {
    if (cause instanceof RemoteFailure) throw cause;
    throw new RemoteFailure(`the answer broke off: ${(cause as Error).message}`, {
      isPassing: true,
      cause,
    });
  } finally {
    response.destroy();
  }
}

function failureOf(url: URL, cause: unknown): RemoteFailure {
  const message = cause instanceof Error ? cause.message || String(cause) : String(cause);
  return new RemoteFailure(`${url.origin} cannot be reached: ${message}`, {
    isPassing: true,
    cause,
  });
}
