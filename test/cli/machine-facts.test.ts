import assert from "node:assert/strict";
import { test } from "node:test";
import { machineFacts } from "../../cli/machine-facts.ts";

test("threads beyond 4, which may change bits, are part of the machine's class; they are never part of a key", () => {
  const of = (threads: number) => {
    const machine = machineFacts("cpu", threads);
    if (!machine.ok) throw new Error(machine.error.message);
    const { threads: recorded } = machine.value.classes.compute as { threads?: number };
    return { used: machine.value.device.threads, recorded, facts: machine.value.facts };
  };
  const { facts } = of(1);
  assert.deepEqual([2, 4, 5, 8].map(of), [
    { used: 2, recorded: undefined, facts },
    { used: 4, recorded: undefined, facts },
    { used: 5, recorded: 5, facts },
    { used: 8, recorded: 8, facts },
  ]);
});

test("devices that this version does not have are refused, and unknown ones named", () => {
  const problemOf = (device: string) => {
    const machine = machineFacts(device);
    return machine.ok ? undefined : machine.error.code;
  };
  assert.deepEqual(["auto", "cpu", "webgpu", "gpu"].map(problemOf), [
    undefined,
    undefined,
    "unsupported-device",
    "unknown-device",
  ]);
});
