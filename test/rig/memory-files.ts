import type { ArtifactReader, ArtifactType, ArtifactWriter } from "../../engine/artifact.ts";

/** An artifact's files in memory, by path. */
export class MemoryFiles implements ArtifactWriter, ArtifactReader {
  readonly #files = new Map<string, Buffer>();

  get paths(): readonly string[] {
    return [...this.#files.keys()].sort();
  }

  async write(
    path: string,
    content: Uint8Array | string | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    if (this.#files.has(path)) throw new Error(`internal: ${path} is written twice`);
    this.#files.set(path, await bytesOf(content));
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  async read(path: string): Promise<Buffer> {
    const bytes = this.#files.get(path);
    if (!bytes) throw new Error(`internal: there is no ${path}`);
    return bytes;
  }

  async readText(path: string): Promise<string> {
    return (await this.read(path)).toString("utf8");
  }

  /** In small pieces, so that readers meet boundaries in the middle of lines and characters. */
  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const bytes = await this.read(path);
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  }

  /** All files as text. */
  texts(): Record<string, string> {
    return Object.fromEntries(this.paths.map((path) => [path, this.#files.get(path)!.toString()]));
  }
}

/** The files that an artifact type writes for a value. */
export async function filesOf<T>(type: ArtifactType<T>, value: T): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await type.write(value, files);
  return files;
}

async function bytesOf(content: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (typeof content === "string") return Buffer.from(content);
  if (content instanceof Uint8Array) return Buffer.from(content);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
