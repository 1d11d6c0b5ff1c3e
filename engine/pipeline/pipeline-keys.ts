const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** Names of stages: they stand in references, in file names and in the lockfile. */
export const STAGE_NAME = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";

const seed = { type: "integer", minimum: 0, maximum: MAX_SEED } as const;

/** JSON Schema of the top of a pipeline file; what stands in `stages` is checked stage by stage. */
export const pipelineKeys = {
  type: "object",
  properties: {
    name: {
      description: "What the pipeline is called. Without it the name of the file.",
      type: "string",
      minLength: 1,
      examples: ["package-sections"],
    },
    description: { description: "What the pipeline is for.", type: "string" },
    seed: {
      ...seed,
      description:
        "The seed of every stage that draws random numbers and names no seed of its own.",
      default: 42,
    },
    vars: {
      description:
        'Values that other places refer to: "${vars.name}". Maps and lists may be nested.',
      type: ["object", "null"],
      examples: [{ model: "models/bert-tiny", epochs: 3 }],
    },
    include: {
      description:
        "Files whose vars, stages and templates are part of this one, by paths from this file's folder. Paths in them start from this file's folder, too.",
      anyOf: [
        { type: "string", minLength: 1 },
        { type: "array", items: { type: "string", minLength: 1 } },
      ],
      examples: [["shared/data.yaml"]],
    },
    templates: {
      description:
        "Keys that stages share, by name: a stage takes them over with `template`, and its own come before.",
      type: "object",
      additionalProperties: { type: "object" },
      examples: [{ trained: { uses: "fine-tune", resources: { gpu: 1 } } }],
    },
    allow_outside: {
      description: "Whether paths may be absolute or leave the project's folder.",
      type: "boolean",
      default: false,
    },
    secrets: {
      description:
        "Names of environment variables that are secret: their values never reach keys, lockfiles, logs, reports or the cache. Commands get them by `env`.",
      type: "array",
      items: { type: "string", pattern: "^[A-Za-z_][A-Za-z0-9_]*$" },
      uniqueItems: true,
      default: [],
      examples: [["DATA_TOKEN"]],
    },
    stages: {
      description: "The stages by name, in any order: `in` says which reads which.",
      type: "object",
      minProperties: 1,
    },
  },
  required: ["stages"],
  additionalProperties: false,
} as const;

/** JSON Schema of a stage beside its params; `uses`, `in`, `with` and `require` are looked at more closely in code. */
export const stageKeys = {
  type: "object",
  properties: {
    uses: {
      description: "The kind of stage, or the path of a file that exports one: ./my-stage.ts.",
      type: "string",
      minLength: 1,
    },
    description: { description: "What the stage is for.", type: "string" },
    template: {
      description: "A template whose keys the stage takes over; its own come before.",
      type: "string",
      minLength: 1,
    },
    in: {
      description:
        "What the stage reads: a stage, `stage.split`, `stage.port` or `stage.port.split`, or a map from input port to one of these.",
      anyOf: [
        { type: "string", minLength: 1 },
        {
          type: "object",
          minProperties: 1,
          additionalProperties: { type: "string", minLength: 1 },
        },
      ],
      examples: ["tokens", { model: "train", dataset: "tokens.test" }],
    },
    with: { description: "The stage's parameters.", type: ["object", "null"] },
    seed: { ...seed, description: "The stage's own seed, instead of the pipeline's." },
    matrix: {
      description:
        'The stage once for each combination of these values, which "${matrix.name}" stands for: lists by name, with `exclude` and `include`; a list of maps; or the name of a stage whose members this one follows. A member is called stage[name=value,…].',
      anyOf: [
        { type: "string", minLength: 1 },
        { type: "array", items: { type: "object" } },
        { type: "object", additionalProperties: { type: "array" } },
      ],
      examples: [{ learning_rate: [3e-5, 5e-5], seed: [1, 2] }, "train"],
    },
    require: {
      description:
        'Conditions on the stage\'s metrics; the run fails where one is not met: { accuracy: ">= 0.6" }.',
      type: "object",
      examples: [{ accuracy: ">= 0.6" }],
    },
    cache: {
      description: "false: the stage runs each time, even if nothing changed.",
      type: "boolean",
      default: true,
    },
    resources: {
      description: "What the stage takes while it runs.",
      type: "object",
      properties: {
        gpu: {
          description: "Graphics devices; taken only where there are any.",
          type: "integer",
          minimum: 0,
          maximum: 64,
          default: 0,
        },
        cpu: {
          description: "Processor cores: stages wait while others hold them.",
          type: "number",
          exclusiveMinimum: 0,
          maximum: 4096,
        },
        memory_gb: {
          description:
            "Main memory in gigabytes: the sum over running stages stays within the machine's.",
          type: "number",
          exclusiveMinimum: 0,
          maximum: 65536,
        },
      },
      additionalProperties: false,
      default: {},
      examples: [{ gpu: 1 }, { cpu: 4, memory_gb: 16 }],
    },
    mutex: {
      description: "A name, or names: stages that share one never run at the same time.",
      anyOf: [
        { type: "string", minLength: 1 },
        { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
      ],
      examples: ["database"],
    },
    retries: {
      description: "How often the stage is tried again when it fails; the wait doubles each time.",
      anyOf: [
        { type: "integer", minimum: 0, maximum: 100 },
        {
          type: "object",
          properties: {
            times: { description: "How often.", type: "integer", minimum: 0, maximum: 100 },
            wait: {
              description: "The wait before the first time: seconds, 30s, 5m. 1 s without it.",
              type: ["number", "string"],
            },
          },
          required: ["times"],
          additionalProperties: false,
        },
      ],
      examples: [2, { times: 3, wait: "30s" }],
    },
    timeout: {
      description:
        "How long one attempt may take, seconds or 90s, 15m, 2h; then it is ended with all that it started.",
      type: ["number", "string"],
      examples: ["2h"],
    },
  },
  required: ["uses"],
  additionalProperties: false,
} as const;
