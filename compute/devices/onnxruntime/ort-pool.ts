import { copyModel } from "../../onnx/copy-model.ts";
import type { Handle, OrtApi } from "./ort-api.ts";
import { type OrtProvider, OrtSession } from "./ort-session.ts";

const [ARENA_ALLOCATOR, DEFAULT_MEMORY] = [1, 0];
const AS_REQUESTED = 1n; // twice as much each time is the other way, of which weights would fill a part

/** A provider's memory, from which all sessions of the process take what they need. */
export interface OrtPool {
  /** As settings of a run name it: `gpu:0`. */
  readonly name: string;
  /** What allocates it. */
  readonly allocator: Handle;
  /** Copies `x` to `y`, of any shape. */
  readonly copier: OrtSession;
}

/** By the memory's name and number; they live as long as the process. */
const pools = new Map<string, OrtPool>();

/**
 * The pool of a provider's memory. A session by itself would have a pool of its own and keep all that its largest run
 * took: with one session for each shape of a batch, memory would be their sum. Throws where the provider does not start.
 */
export function sharedPool(api: OrtApi, provider: OrtProvider): OrtPool {
  const { memory, device, pool: name } = provider;
  const key = `${memory} ${device}`;
  const known = pools.get(key);
  if (known !== undefined) return known;
  // Where the provider does not work, making a pool of it ends the process; making a session throws.
  new OrtSession(api, provider, copyModel()).release();
  const info = api.make("CreateMemoryInfo", memory, ARENA_ALLOCATOR, device, DEFAULT_MEMORY);
  register(api, provider, info);
  const copier = new OrtSession(api, provider, copyModel());
  const pool = { name, allocator: copier.allocator(info), copier };
  pools.set(key, pool);
  return pool;
}

function register(api: OrtApi, { name, options }: OrtProvider, info: Handle): void {
  const growth = BigUint64Array.of(AS_REQUESTED);
  const arena = api.make("CreateArenaCfgV2", ["arena_extend_strategy"], growth, 1);
  const [names, values] = [Object.keys(options), Object.values(options)];
  try {
    api.call(
      "CreateAndRegisterAllocatorV2",
      api.env,
      name,
      info,
      arena,
      names,
      values,
      names.length,
    );
  } finally {
    api.release("ReleaseArenaCfg", arena);
  }
}
