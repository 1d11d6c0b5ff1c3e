import {
  exchange,
  type HttpAnswer,
  type HttpRequest,
  type Patience,
  usualPatience,
} from "./http-exchange.ts";
import type { RemoteBody, RemoteContent, RemoteObjects } from "./remote-objects.ts";
import { RemoteFailure } from "./remote-objects.ts";

/** Where the objects are and how requests for them are made. */
export interface HttpObjectsOptions {
  /** Names are appended to its path. */
  readonly base: URL;
  /** Gives a request what the server wants to see of who asks. @default nothing */
  authorize?(request: HttpRequest, content?: RemoteContent): HttpRequest;
  readonly patience?: Patience;
}

/** Objects on an HTTP server: HEAD, GET with ranges, PUT with `If-None-Match: *`. */
export class HttpObjects implements RemoteObjects {
  readonly label: string;
  readonly #base: URL;
  readonly #patience: Patience;
  readonly #authorize: NonNullable<HttpObjectsOptions["authorize"]>;

  constructor({
    base,
    authorize = (request) => request,
    patience = usualPatience,
  }: HttpObjectsOptions) {
    this.#base = new URL(base.href.replace(/\/*$/, "/"));
    this.#authorize = authorize;
    this.#patience = patience;
    this.label = `${base.origin}${base.pathname}`;
  }

  async get(
    name: string,
    { from, most }: { from: number; most: number },
  ): Promise<RemoteBody | undefined> {
    const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    const answer = await this.#send({ method: "GET", url: this.#urlOf(name), headers });
    if (isAbsent(answer)) return undefined;
    if (answer.status !== 200 && answer.status !== 206) throw this.#unexpected(answer);
    const start = answer.status === 206 ? startOf(answer) : 0;
    if (start !== 0 && start !== from) throw this.#unexpected(answer);
    const announced = Number(answer.headers["content-length"] ?? 0);
    if (announced > most - start) {
      answer.drop();
      throw new RemoteFailure(
        `${name} has ${announced + start} bytes, more than the ${most} it should have`,
      );
    }
    return { from: start, pieces: answer.pieces };
  }

  async has(name: string): Promise<boolean> {
    const answer = await this.#send({ method: "HEAD", url: this.#urlOf(name), headers: {} });
    answer.drop();
    if (isAbsent(answer)) return false;
    if (answer.status === 200) return true;
    throw this.#unexpected(answer);
  }

  async putNew(name: string, content: RemoteContent): Promise<"written" | "there"> {
    const headers = { "if-none-match": "*", "content-length": String(content.bytes) };
    const request = {
      method: "PUT",
      url: this.#urlOf(name),
      headers,
      body: content.pieces,
    } as const;
    const answer = await this.#send(request, content);
    answer.drop();
    if ([200, 201, 204].includes(answer.status)) return "written";
    if ([409, 412].includes(answer.status)) return "there";
    throw this.#unexpected(answer);
  }

  #send(request: HttpRequest, content?: RemoteContent): Promise<HttpAnswer> {
    return exchange(this.#authorize(request, content), this.#patience);
  }

  #urlOf(name: string): URL {
    return new URL(name, this.#base);
  }

  #unexpected(answer: HttpAnswer): RemoteFailure {
    answer.drop();
    const isPassing = answer.status >= 500 || answer.status === 429;
    return new RemoteFailure(`${this.label} answers ${answer.status}`, { isPassing });
  }
}

function isAbsent(answer: HttpAnswer): boolean {
  if (answer.status !== 404 && answer.status !== 410) return false;
  answer.drop();
  return true;
}

/** Where a part starts: `Content-Range: bytes 10-19/20` starts at 10. */
function startOf({ headers }: HttpAnswer): number {
  return Number(/^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1] ?? Number.NaN);
}
