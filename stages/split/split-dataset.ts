export function splitDataset(..._: readonly unknown[]): never {
  throw new Error("internal: not built yet");
}
