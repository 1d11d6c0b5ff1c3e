import { copyModel } from "../onnx/copy-model.ts";
import type { Handle, OrtApi } from "./ort-api.ts";
import { type OrtProvider, OrtSession } from "./ort-session.ts";

const [ARENA_ALLOCATOR, DEFAULT_MEMORY] = [1, 0];
const AS_REQUESTED = 1n; // twice as much each time is the other way, of which weights would fill a part

/** The description of each memory whose pool is made. */
const pools = new Map<string, Handle>();

/**
 * One pool of a provider's memory for all sessions of the process; its description. A session by itself has a pool of
 * its own and keeps all that its largest run took: with one session for each shape of a batch, memory is their sum.
 * Throws where the provider does not start.
 */
export function sharedPool(api: OrtApi, provider: OrtProvider): Handle {
  const { name, memory, device, options } = provider;
  const key = `${memory} ${device}`;
  const known = pools.get(key);
  if (known !== undefined) return known;
  // Where the provider does not work, making a pool of it ends the process; making a session throws.
  new OrtSession(api, provider, copyModel(0)).release();
  const info = api.make("CreateMemoryInfo", memory, ARENA_ALLOCATOR, device, DEFAULT_MEMORY);
  const arena = api.make(
    "CreateArenaCfgV2",
    ["arena_extend_strategy"],
    BigUint64Array.of(AS_REQUESTED),
    1,
  );
  try {
    api.call(
      "CreateAndRegisterAllocatorV2",
      api.env,
      name,
      info,
      arena,
      Object.keys(options),
      Object.values(options),
      Object.keys(options).length,
    );
  } finally {
    api.release("ReleaseArenaCfg", arena);
  }
  pools.set(key, info);
  return info;
}
