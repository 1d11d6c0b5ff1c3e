import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { openCache } from "../../cache/open-cache.ts";
import type { AnyStage } from "../../engine/stage.ts";
import { mixKind } from "./build-rig.ts";
import { buildSevenStages } from "./seven-stages.ts";

// A process that runs pipelines on a shared cache: `pipeline-worker.ts ROOT PROJECT [GRACE]`. It says `ready`, then for each
// word on stdin runs the seven stages for it and says what was executed, as JSON.
const [root, project, grace] = process.argv.slice(2);
const mix = mixKind(new Set());
const slow: AnyStage = {
  ...mix,
  async run(context) {
    await wait(context.params.word.startsWith("endless") ? 60_000 : 3);
    return mix.run(context);
  },
};
process.stdout.write("ready\n");
for await (const word of createInterface({ input: process.stdin })) {
  const cache = await openCache(root!, grace ? { graceMilliseconds: Number(grace) } : {});
  const done = await buildSevenStages(cache, { project: project!, word, mix: slow, jobs: 2 });
  cache.close();
  process.stdout.write(`${JSON.stringify(done)}\n`);
}
