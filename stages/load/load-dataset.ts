export function loadDataset(..._: readonly unknown[]): never {
  throw new Error("internal: not built yet");
}
