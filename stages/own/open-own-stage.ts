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

/** A user's own stage for this process to run: its code is loaded anew each time that it runs. */
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

let loads = 0;

async function loadRun(own: OwnRequest): Promise<OwnRun> {
  if (loads === 0) {
    const [api, hooks] = ["define-stage", "module-hooks"].map(urlOf);
    register(hooks!, { data: { apiUrl: api } });
  }
  loads += 1;
  const module = await import(`${pathToFileURL(own.path)}?${OWN_QUERY}=${loads}`);
  const { run, ...declared } = module.default as { readonly run: OwnRun };
  if (!isAsDeclared(declared, own.code.declaration)) throw failed(own, CHANGED);
  return (context) => run.call(module.default, context);
}

/** Beside this file, in TypeScript or compiled as it is. */
function urlOf(name: string): string {
  return new URL(`./${name}${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url)
    .href;
}

const CHANGED = "what defineStage was given is not what stands in the file: leave it as it is";

/** Whether a stage says of itself what was read without running it; defaults are filled in there only. */
function isAsDeclared(declared: object, declaration: Json): boolean {
  const known = declaration as Readonly<Record<string, Json>>;
  return Object.entries(declared).every(
    ([key, value]) => !/^(params|seeded|version)$/.test(key) || isEqual(value, known[key]),
  );
}

function isEqual(a: Json, b: Json | undefined): boolean {
  return b !== undefined && canonicalJson(a) === canonicalJson(b);
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
