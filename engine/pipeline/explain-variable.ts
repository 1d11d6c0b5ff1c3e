import { nearestName } from "./did-you-mean.ts";
import { type Finding, listNames, quote } from "./report.ts";
import type { TextPart } from "./scan-references.ts";
import type { SourceNode } from "./source-node.ts";

type Explanation = Omit<Finding, "place">;

/** What is wrong with a `${` that begins no reference. */
export function explainMistake(part: TextPart & { readonly kind: "mistake" }): Explanation {
  if (part.mistake === "unclosed") {
    const message = 'The reference that begins with "${" is never closed.';
    const hint = 'write "}" at its end; "$${" is the text "${"';
    return { code: "unclosed-reference", message, hint };
  }
  const message = 'References are written "${…}", not "${{ … }}".';
  const name = /[\w.:-]+/.exec(part.written)?.[0] ?? "vars.name";
  return { code: "double-braces", message, hint: `write "\${${name}}"; "$\${" is the text "\${"` };
}

/** What is wrong with the inside of `${…}`, and which variable it may have meant. */
export function explainInvalidReference(
  { body, written }: TextPart & { readonly kind: "reference" },
  {
    vars,
    environment,
  }: {
    readonly vars: SourceNode | undefined;
    readonly environment: Readonly<Record<string, string | undefined>>;
  },
): Explanation {
  const message = `${written} is no reference that Tunesmith knows.`;
  const name = body.trim().replace(/^vars?\./, "");
  const isVariable = vars?.kind === "map" && vars.entries.has(name);
  const meant = isVariable ? `vars.${name}` : Object.hasOwn(environment, name) && `env:${name}`;
  const forms =
    'write "${vars.name}" or "${env:NAME}" or "${env:NAME:-default}", in a matrix "${matrix.name}"; there are no expressions';
  return {
    code: "invalid-variable",
    message,
    hint: meant ? `did you mean "\${${meant}}"?` : forms,
  };
}

/** That a value of a matrix is used where there is none. */
export function explainMatrixOutside(path: readonly string[]): Explanation {
  return {
    code: "matrix-outside",
    message: `"matrix.${path.join(".")}" is used in a place that has no matrix.`,
    hint: 'it has a value only in a stage with a "matrix"',
  };
}

/** That a variable is not there, where its path ends, and what is there instead. */
export function explainUnknownVariable(
  path: readonly string[],
  parent: { readonly name: string; readonly node: SourceNode },
): Explanation {
  const depth = parent.name.split(".").length - 1;
  const missing = path[depth] ?? "";
  const what = parent.node.kind === "scalar" ? ", which is a single value" : "";
  const space = parent.name.split(".")[0];
  const message = `There is no variable "${space}.${path.join(".")}": ${quote(missing)} is not in "${parent.name}"${what}.`;
  const hint = () => {
    const names = parent.node.kind === "map" ? [...parent.node.entries.keys()] : [];
    const nearest = nearestName(missing, names);
    if (nearest !== undefined) {
      return `did you mean "\${${space}.${path.with(depth, nearest).join(".")}}"?`;
    }
    return names.length > 0 ? `variables there: ${listNames(names)}` : undefined;
  };
  return { code: "unknown-variable", message, hint };
}
