import { type ArtifactType, anyArtifact } from "../artifact.ts";
import type { AnyStage, InputPath, InputPorts, Json, OutputPorts, StageCode } from "../stage.ts";
import type { OwnDeclaration } from "./declaration-keys.ts";

/** Types of artifacts by name, those of all ports of these kinds. */
export function typesOf(kinds: readonly AnyStage[]): ReadonlyMap<string, ArtifactType<unknown>> {
  const ports = kinds.flatMap(({ inputs, outputs }) => [
    ...Object.values(inputs as InputPorts),
    ...Object.values(outputs as OutputPorts),
  ]);
  const types = ports.map(({ type }) => type).filter((type) => type !== anyArtifact);
  return new Map(types.map((type) => [type.name, type]));
}

/** A user's own stage as the engine sees it. It runs in a host only, which loads its code. */
export function ownKind(
  name: string,
  code: StageCode,
  types: ReadonlyMap<string, ArtifactType<unknown>>,
): AnyStage {
  const declaration = code.declaration as unknown as OwnDeclaration;
  const { version, description, params, seeded, deterministic, environment } = declaration;
  const { inputs, outputs, env, destination } = declaration;
  return {
    ...{ kind: name, version, description, params, seeded, deterministic, environment, code },
    inputs: portsOf(inputs, types, ({ optional, splits }) => ({
      ...(optional && { optional: true as const }),
      ...(splits && { parts: splits }),
    })),
    outputs: portsOf(outputs, types, () => ({})),
    inputPaths: (given: Readonly<Record<string, Json>>) =>
      declaration.paths.flatMap((param) => pathsIn(param, given[param])),
    passes: () => env,
    ...(destination !== undefined && { destination }),
    run: () => {
      throw new Error(`internal: ${name} runs in a host`);
    },
  };
}

function portsOf<P extends { readonly type: string; readonly description: string }>(
  ports: Readonly<Record<string, P>>,
  types: ReadonlyMap<string, ArtifactType<unknown>>,
  more: (port: P) => object,
): InputPorts {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => {
      const type = types.get(port.type);
      if (type === undefined) throw new Error(`internal: no type ${port.type}`);
      return [name, { type, description: port.description, ...more(port) }];
    }),
  );
}

function pathsIn(param: string, value: Json | undefined): InputPath[] {
  if (typeof value === "string") return [{ at: [param] }];
  return Array.isArray(value) ? value.map((_, i) => ({ at: [param, i] })) : [];
}
