import { validatorOf } from "./pipeline/json-schema.ts";

const digest = { type: "string", pattern: "^sha256:[0-9a-f]{64}$" };
const hex = { type: "string", pattern: "^[0-9a-f]{64}$" };
const digests = { type: "object", additionalProperties: digest };

const stage = {
  type: "object",
  description: "The pinned trace of one stage.",
  additionalProperties: false,
  required: ["uses", "version", "params", "key", "inputs", "outputs", "determinism", "metrics"],
  properties: {
    uses: { type: "string", description: "Kind of the stage." },
    version: { type: "integer", description: "Version of the kind." },
    params: { type: "object", description: "All params, defaults included, paths as written." },
    seed: { type: "integer", description: "Where the result depends on it." },
    key: { ...hex, description: "Trace key: sha256 over everything that determines the result." },
    inputs: { ...digests, description: "Digests of the direct inputs by port." },
    outputs: { ...digests, description: "Digests of the outputs by port." },
    determinism: {
      description: "`exact`, or the facts of the machine class within which bytes are equal.",
      anyOf: [{ const: "exact" }, { type: "object" }],
    },
    metrics: {
      type: "object",
      additionalProperties: { type: "number" },
      description: "Numbers about the result.",
    },
    packages: {
      type: "object",
      additionalProperties: { type: "string" },
      description: "Versions of the packages that an own stage imports.",
    },
  },
} as const;

const source = {
  type: "object",
  description: "A file or folder that the pipeline reads.",
  additionalProperties: false,
  required: ["sha256", "bytes"],
  properties: {
    sha256: { ...hex, description: "Of the file, or of the folder's list of files." },
    bytes: { type: "integer", minimum: 0, description: "Size of all that counts." },
    files: {
      type: "object",
      additionalProperties: hex,
      description: "For a folder: the files that count.",
    },
  },
} as const;

/** JSON Schema (draft-07) of `*.tune.lock.yaml`. */
export const lockfileSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Tunesmith lockfile",
  type: "object",
  additionalProperties: false,
  required: ["lockfile_version", "tunesmith", "pipeline", "sources", "stages"],
  properties: {
    lockfile_version: { const: 1, description: "Version of this format." },
    tunesmith: { type: "string", description: "Version of tunesmith that wrote it." },
    pipeline: { type: "string", description: "Name of the pipeline." },
    sources: {
      type: "object",
      additionalProperties: source,
      description: "What the pipeline reads, by path.",
    },
    stages: {
      type: "object",
      additionalProperties: stage,
      description: "Pinned traces by stage name.",
    },
  },
} as const;

/** What is wrong with a parsed lockfile, if anything. */
export function validateLockfile(value: unknown): string | undefined {
  const validate = validatorOf(lockfileSchema);
  if (validate(value)) return undefined;
  const [error] = validate.errors ?? [];
  return `${error?.instancePath || "the file"} ${error?.message}`;
}
