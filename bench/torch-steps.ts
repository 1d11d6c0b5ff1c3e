import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type ConfigName, configs, labels, type StepsOptions } from "./bert-steps.ts";

/** Runs so many steps in PyTorch and gives their seconds. */
export type TorchRound = (steps: number) => Promise<number[]>;

/** Starts PyTorch with the same model, on `device` as it names them; it ends with this process. Undefined where it cannot run there. */
export async function startTorch(
  python: string,
  config: ConfigName,
  {
    rows,
    length,
    threads,
    device = "cpu",
    precision = "no",
  }: Omit<StepsOptions, "steps" | "warm"> & { threads: number; device?: string },
): Promise<TorchRound | undefined> {
  const peer = spawn(python, [join(import.meta.dirname, "training_step.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface(peer.stdout)[Symbol.asyncIterator]();
  const settings = {
    config: configs[config],
    labels: labels.length,
    rows,
    length,
    threads,
    device,
    precision,
  };
  peer.stdin.write(`${JSON.stringify(settings)}\n`);
  process.on("exit", () => peer.kill());
  if ((await answers.next()).done) return undefined;
  return async (steps) => {
    peer.stdin.write(`${steps}\n`);
    return JSON.parse((await answers.next()).value);
  };
}
