import type { ParameterSpec } from "../../models/parameters.ts";

const LAYER = /(?:^|\.)(?:layers?|h|block|blocks)\.(\d+)\./;
const EMBEDDING = /(?:^|\.)(?:embeddings?|wte|wpe|embed_tokens|shared)\./;

/**
 * What the learning rate of each parameter is multiplied by: `decay` for each layer between it and the head,
 * whose rate is whole. Embeddings lie below the first layer. (https://arxiv.org/abs/1801.06146, section 3.2)
 */
export function layerRates(
  specs: readonly ParameterSpec[],
  decay: number,
): (name: string) => number {
  if (decay === 1) return () => 1;
  const layerOf = (name: string) => Number(LAYER.exec(name)?.[1] ?? -1);
  const layers = 1 + Math.max(-1, ...specs.map(({ name }) => layerOf(name)));
  return (name) => {
    const layer = layerOf(name);
    if (layer >= 0) return decay ** (layers - layer);
    return EMBEDDING.test(name) ? decay ** (layers + 1) : 1;
  };
}
