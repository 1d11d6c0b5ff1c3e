import { dirname, relative, sep } from "node:path";
import type { Node } from "acorn";
import { checkSchema } from "../pipeline/check-schema.ts";
import { didYouMean } from "../pipeline/did-you-mean.ts";
import { listNames, quote } from "../pipeline/report.ts";
import { mapOf, nodeAt, type SourceNode, valueAt } from "../pipeline/source-node.ts";
import { locate } from "../render-diagnostic.ts";
import type { Json, StageCode } from "../stage.ts";
import { isParamsSchema } from "./check-params-schema.ts";
import { declarationKeys, type OwnDeclaration } from "./declaration-keys.ts";
import { findDeclaration, isNamed } from "./find-declaration.ts";
import { constantsOf, entriesOf } from "./literal-node.ts";
import {
  type OwnModule,
  type OwnModules,
  type Reading,
  readModules,
  type WantedModule,
} from "./read-modules.ts";

/**
 * All that is known of a user's own stage without running it: what its file declares, and of which files and packages
 * its code is made. Reports every error in these files where it stands, and gives undefined then.
 */
export async function readOwnStage(
  wanted: WantedModule,
  reading: Reading & { readonly types: readonly string[] },
): Promise<StageCode | undefined> {
  let isRight = true;
  const report: Reading["report"] = (finding) => {
    isRight = false;
    reading.report(finding);
  };
  const { absolute } = wanted;
  const found = await readModules(wanted, { ...reading, report });
  const [entry] = found.modules;
  if (entry?.absolute !== absolute || entry.program === undefined) return undefined;
  const declared = readDeclaration(entry, { ...reading, report });
  if (declared === undefined || !isRight) return undefined;
  return { ...filesOf(absolute, found), ...declared };
}

function filesOf(absolute: string, { modules, packages }: OwnModules) {
  const nameOf = (path: string) => relative(dirname(absolute), path).split(sep).join("/");
  return {
    modules: modules.map((module) => ({
      name: module.absolute === absolute ? "." : nameOf(module.absolute),
      absolute: module.absolute,
    })),
    packages: Object.fromEntries([...packages].sort()),
  };
}

function readDeclaration(
  { program, file }: OwnModule,
  { report, types }: Reading & { readonly types: readonly string[] },
): Pick<StageCode, "declaration" | "runsAt"> | undefined {
  const found = program && findDeclaration(program, file, report);
  if (program === undefined || found === undefined) return undefined;
  const { object, run } = found;
  const placeOf = ({ start, end }: Pick<Node, "start" | "end">) => ({
    file,
    range: { start, end },
  });
  const properties = object.properties.filter(
    (property) => property.type === "SpreadElement" || !isNamed(property, "run"),
  );
  const scope = { file, report, constants: constantsOf(program) };
  const node = mapOf(entriesOf({ ...object, properties }, scope), placeOf(object));
  const subject = {
    node,
    place: placeOf({ start: object.start, end: object.start + 1 }),
    prefix: "",
    keys: "key of defineStage",
  };
  const declaration = checkSchema(declarationKeys(types), subject, report) as unknown;
  if (declaration === undefined) return undefined;
  if (!isConsistent(declaration as OwnDeclaration, node, report)) return undefined;
  const { line, column } = locate(file.text, { start: run.start, end: run.end });
  return { declaration: declaration as Json, runsAt: `${line}:${column}` };
}

/** Whether the params' schema can be used, and params that are named elsewhere exist. */
function isConsistent(
  { params, paths, destination }: OwnDeclaration,
  node: SourceNode,
  report: Reading["report"],
): boolean {
  if (!isParamsSchema(params, valueAt(node, "params") ?? node, report)) return false;
  const known = Object.keys(params.properties);
  const named = [
    ...paths.map((name, i) => ({ name, at: ["paths", i] as const })),
    ...(destination === undefined ? [] : [{ name: destination, at: ["destination"] as const }]),
  ];
  const unknown = named.filter(({ name }) => !known.includes(name));
  for (const { name, at } of unknown) {
    const list = known.length === 0 ? "there are none" : `params: ${listNames(known)}`;
    report({
      code: "unknown-param",
      message: `${quote(name)} is no param of this stage.`,
      place: nodeAt(node, at).place,
      hint: didYouMean(name, known, list),
    });
  }
  return unknown.length === 0;
}
