export function tokenizeDataset(..._: readonly unknown[]): never {
  throw new Error("internal: not built yet");
}
