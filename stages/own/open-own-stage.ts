import { register } from "node:module";
import { pathToFileURL } from "node:url";
import type { ArtifactType } from "../../engine/artifact.ts";
import { OWN_QUERY } from "../../engine/build/explain-thrown.ts";
import type { OwnRequest } from "../../engine/build/host-protocol.ts";
import { canonicalJson } from "../../engine/canonical-json.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import { ownKind, typesOf } from "../../engine/own-stages/own-kind.ts";
import type { AnyStage, InputPorts, Json, OutputPorts, StageContext } from "../../engine/stage.ts";
import type { PortType } from "./define-stage.ts";
import { ownInput } from "./own-inputs.ts";
import { ownOutput, WrongOutput } from "./own-outputs.ts";

type OwnRun = (context: object) => unknown;
type OwnContext = StageContext<Json, InputPorts>;

/** A user's own stage for this process to run, once: the process ends with it. */
export function openOwnStage(name: string, own: OwnRequest, kinds: readonly AnyStage[]): AnyStage {
  const kind = ownKind(name, own.code, typesOf(kinds));
  return {
    ...kind,
    async run(context: OwnContext) {
      const run = await loadRun(own);
      const seed = kind.seeded ? context.seed : undefined;
      const given = await run({ ...context, seed, inputs: inputsOf(kind, context) });
      return outputsOf(kind, given, own);
    },
  };
}

async function loadRun(own: OwnRequest): Promise<OwnRun> {
  const [api, hooks] = ["define-stage", "module-hooks"].map(urlOf);
  register(hooks!, { data: { apiUrl: api } });
  const module = await import(`${pathToFileURL(own.path)}?${OWN_QUERY}`);
  const { run, ...declared } = module.default as { readonly run: OwnRun };
  if (!isAsRead(declared, own.code.declaration)) throw failed(own, CHANGED);
  return (context) => run.call(module.default, context);
}

/** Beside this file, in TypeScript or compiled as it is. */
function urlOf(name: string): string {
  return new URL(`./${name}${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url)
    .href;
}

const CHANGED =
  "what defineStage is given now is not what stood in the file when the run began: run again";

/** Whether the parts of a declaration that params and key follow from are what was read without running it. */
function isAsRead(declared: object, declaration: Json): boolean {
  const read = declaration as Readonly<Record<string, Json>>;
  const params = { type: "object", properties: {}, additionalProperties: false };
  const now: Readonly<Record<string, Json>> = { version: 1, seeded: false, params, ...declared };
  return ["version", "seeded", "params"].every(
    (key) => canonicalJson(now[key]!) === canonicalJson(read[key]!),
  );
}

function inputsOf({ inputs }: AnyStage, context: OwnContext) {
  return Object.fromEntries(
    Object.entries(inputs as InputPorts).map(([port, { type }]) => {
      const input = context.inputs[port];
      return [port, input && ownInput(type.name as PortType, input)];
    }),
  );
}

/** All outputs by port, in the form in which they are written. */
function outputsOf({ outputs }: AnyStage, given: unknown, own: OwnRequest) {
  const ports = Object.entries(outputs as OutputPorts);
  const names = ports.map(([port]) => port);
  if (ports.length === 0) return {};
  if (typeof given !== "object" || given === null)
    throw failed(own, `run() must return its outputs: { ${names.join(", ")} }`);
  const values = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(values).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw failed(own, `run() returns "${unknown}", but its outputs are: ${names.join(", ")}`);
  return Object.fromEntries(
    ports.map(([port, { type }]) => [port, checked(port, type, values[port], own)]),
  );
}

function checked(port: string, type: ArtifactType<unknown>, given: unknown, own: OwnRequest) {
  if (given === undefined) throw failed(own, `run() returns no "${port}"`);
  try {
    return ownOutput(type, given);
  } catch (error) {
    if (!(error instanceof WrongOutput)) throw error;
    throw failed(own, `the output "${port}" ${error.message}`);
  }
}

function failed({ path, code }: OwnRequest, message: string): StageFailure {
  const text = `${path}:${code.runsAt} ${message}.`;
  return new StageFailure({ code: "own-stage-output", message: text });
}
