/** What a user's own stage declares, its defaults filled in; `run` is no part of it. */
export interface OwnDeclaration {
  readonly description: string;
  readonly version: number;
  readonly params: OwnParams;
  readonly inputs: Readonly<Record<string, OwnInput>>;
  readonly outputs: Readonly<Record<string, OwnPort>>;
  readonly seeded: boolean;
  readonly deterministic: boolean;
  readonly environment: readonly string[];
  readonly env: readonly string[];
  readonly paths: readonly string[];
  readonly destination?: string;
}

/** The JSON Schema of an own stage's `with`. */
export interface OwnParams {
  readonly type: "object";
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly additionalProperties: false;
}

/** A port by the name of its artifact type. */
export interface OwnPort {
  readonly type: string;
  readonly description: string;
}

/** An input port of an own stage. */
export interface OwnInput extends OwnPort {
  readonly optional: boolean;
  readonly splits?: readonly string[];
}

const text = { type: "string", minLength: 1 } as const;
const names = { type: "array", items: text, default: [] } as const;

/** JSON Schema of an own stage's declaration; `types` are the artifacts that ports may have. */
export function declarationKeys(types: readonly string[]): object {
  const port = {
    type: { description: "What passes through the port.", type: "string", enum: types },
    description: { description: "What it is.", type: "string", default: "" },
  };
  const input = {
    ...port,
    optional: { description: "Whether it may be left out.", type: "boolean", default: false },
    splits: { description: "The only splits that are read.", type: "array", items: text },
  };
  return {
    type: "object",
    properties: {
      description: { description: "What the stage does.", type: "string", default: "" },
      version: { description: "Part of the key.", type: "integer", minimum: 1, default: 1 },
      params: paramsKeys,
      inputs: { ...portsOf(input), default: {} },
      outputs: portsOf(port),
      seeded: { description: "Whether it draws from its seed.", type: "boolean", default: false },
      deterministic: {
        description: "Whether equal inputs give equal bytes.",
        type: "boolean",
        default: true,
      },
      environment: {
        description: "Facts of the machine that the result depends on.",
        type: "array",
        items: { type: "string", enum: ["compute"] },
        default: [],
      },
      env: { ...names, description: "Environment variables that the result depends on." },
      paths: { ...names, description: "Params whose values are files or folders that are read." },
      destination: { ...text, description: "The param that says where the first output is put." },
    },
    required: ["outputs"],
    additionalProperties: false,
  };
}

function portsOf(properties: object): object {
  return {
    type: "object",
    propertyNames: { pattern: "^[A-Za-z][A-Za-z0-9_-]{0,63}$" },
    additionalProperties: {
      type: "object",
      properties,
      required: ["type"],
      additionalProperties: false,
    },
  };
}

/** How params are declared: further in, the schema of JSON Schema itself says what is right. */
const paramsKeys = {
  description: "JSON Schema of the stage's `with`.",
  type: "object",
  properties: {
    type: { const: "object" },
    properties: { type: "object", additionalProperties: { type: "object" } },
    required: { type: "array", items: text },
    additionalProperties: { const: false },
  },
  required: ["type", "properties", "additionalProperties"],
  additionalProperties: false,
  default: { type: "object", properties: {}, additionalProperties: false },
} as const;
