import { openCudaDevice } from "../../compute/devices/cuda/cuda.ts";
import { deviceWorkloads } from "./device-workloads.ts";
import { loadSimulatedCuda } from "./simulated-cuda.ts";

// A program: trains on simulated CUDA until the kernel or copy with the given number fails, releases what it has, says
// as JSON what was thrown, and what after that; and ends.

const [functionName, call, error] = process.argv.slice(2);
const cuda = (await loadSimulatedCuda())!;
const device = await openCudaDevice();
const { run } = deviceWorkloads().find(
  ({ name }) => name === "adamw of bert for sequence-classification",
)!;
const codes: unknown[] = [];
cuda.failAt(functionName!, Number(call), Number(error));
for (let turn = 0; turn < 2; turn++)
  await run(device).then(
    () => codes.push("nothing"),
    (thrown) => codes.push(thrown.code ?? String(thrown)),
  );
process.stdout.write(JSON.stringify(codes));
