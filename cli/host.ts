import { serveHost } from "../engine/build/serve-host.ts";
import { stages } from "../stages/index.ts";

/** The process in which stages run: `host.ts CACHE_FOLDER`, started by the engine. */
const [cacheFolder] = process.argv.slice(2);
if (cacheFolder === undefined) throw new Error("internal: a host needs the cache folder");
await serveHost(
  stages,
  async (name, own) => {
    const { openOwnStage } = await import("../stages/own/open-own-stage.ts");
    return openOwnStage(name, own, stages);
  },
  cacheFolder,
);
