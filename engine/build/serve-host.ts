import { openBlobStore } from "../../cache/open-blob-store.ts";
import type { AnyStage } from "../stage.ts";
import { executeStage } from "./execute-stage.ts";
import type { FromHost, HostRequest, OwnRequest, ToHost } from "./host-protocol.ts";
import { killTree } from "./kill-tree.ts";

/**
 * The main loop of a host process: runs the stages that the engine sends over IPC, one at a time, and ends when the
 * engine goes away. What a stage prints lands in its log.
 */
export async function serveHost(
  kinds: readonly AnyStage[],
  openOwn: (name: string, own: OwnRequest) => Promise<AnyStage>,
  cacheFolder: string,
): Promise<void> {
  const blobs = await openBlobStore(cacheFolder);
  const byName = new Map(kinds.map((kind) => [kind.kind, kind]));
  const kindOf = async ({ kind: name, own }: HostRequest) => {
    const kind = own === undefined ? byName.get(name) : await openOwn(name, own);
    if (kind === undefined) throw new Error(`internal: no stage kind "${name}"`);
    return kind;
  };
  let running: AbortController | undefined;
  const send = (message: FromHost) => void process.send?.(message);
  // Ctrl-C reaches the whole process group; the engine decides when a host stops.
  process.on("SIGINT", () => {});
  // All that a stage started ends with the engine, too.
  process.on("disconnect", () => killTree(process.pid));
  process.on("message", async (message: ToHost) => {
    if (message.type === "abort") return running?.abort(new Error("interrupted"));
    running = new AbortController();
    const kind = await kindOf(message.request);
    const outcome = await executeStage(kind, message.request, blobs, {
      signal: running.signal,
      log: (line) => send({ type: "log", line }),
      progress: (progress) => send({ type: "progress", progress }),
      checkpoint: (change) => send({ type: "checkpoint", change }),
    });
    running = undefined;
    if ("result" in outcome) send({ type: "done", result: outcome.result });
    else send({ type: "failed", failure: outcome.failure });
  });
  send({ type: "ready" });
}
