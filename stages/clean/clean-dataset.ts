export function cleanDataset(..._: readonly unknown[]): never {
  throw new Error("internal: not built yet");
}
