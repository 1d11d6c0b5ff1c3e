import { spawn } from "node:child_process";
import { serveHost } from "../../engine/build/serve-host.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import { defineStage, type StageContext } from "../../engine/stage.ts";
import { textArtifact } from "./build-rig.ts";

const params = {
  type: "object",
  properties: { how: { type: "string" } },
  additionalProperties: false,
} as const;
const outputs = { text: { type: textArtifact, description: "What it did." } };

/** A stage that behaves as its param says. */
const misbehave = defineStage({
  kind: "misbehave",
  version: 1,
  description: "Behaves as told.",
  params,
  inputs: {},
  outputs,
  seeded: false,
  deterministic: true,
  environment: [],
  async run({ params: { how }, log }: StageContext<{ how: string }, Record<string, never>>) {
    log(`about to ${how}`);
    if (how === "exit") process.exit(3);
    if (how === "kill") process.kill(process.pid, "SIGKILL");
    if (how === "throw") throw new TypeError("a bug");
    if (how === "refuse")
      throw new StageFailure({ code: "no", message: "It will not.", hint: "ask again" });
    if (how === "lose the device")
      throw new StageFailure({ code: "device-lost", message: `Process ${process.pid} lost it.` });
    if (how === "hang") await new Promise(() => setInterval(() => {}, 1000));
    if (how === "start others") {
      const script = "setTimeout(() => {}, 600_000)";
      for (const detached of [false, true])
        log(`started ${spawn(process.execPath, ["-e", script], { detached }).pid}`);
      await new Promise(() => setInterval(() => {}, 1000));
    }
    if (how === "print") process.stdout.write("printed\n");
    if (how === "pid") return { text: String(process.pid) };
    return { text: how };
  },
});

const none = async (name: string): Promise<never> => {
  throw new Error(`internal: no own stage ${name}`);
};
await serveHost([misbehave], none, process.argv[2]!);
