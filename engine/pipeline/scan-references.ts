/** A piece of a text with references: plain text, a reference `${body}`, or a mistake in one. */
export type TextPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "reference"; readonly body: string; readonly written: string }
  | {
      readonly kind: "mistake";
      readonly mistake: "double-braces" | "unclosed";
      readonly written: string;
    };

const REFERENCE = /\$\$\{|\$\{\{(?:[^}]*\}\})?|\$\{([^}]*)\}|\$\{/g;

/** Cuts a text at its references; `$${` is the text `${`. A text without references is one part. */
export function scanReferences(text: string): TextPart[] {
  if (!text.includes("${")) return [{ kind: "text", text }];
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    end = match.index + match[0].length;
    parts.push(partOf(match[0], match[1]));
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

function partOf(written: string, body: string | undefined): TextPart {
  if (written === "$${") return { kind: "text", text: "${" };
  if (body !== undefined && !body.startsWith("{")) return { kind: "reference", body, written };
  const mistake = written.startsWith("${{") ? "double-braces" : "unclosed";
  return { kind: "mistake", mistake, written };
}

/** What a reference asks for. */
export type ReferenceTarget =
  | { readonly kind: "variable"; readonly path: readonly string[] }
  | { readonly kind: "environment"; readonly name: string; readonly fallback?: string }
  | { readonly kind: "invalid" };

/** Reads the inside of `${…}`: `vars.a.b`, `env:NAME` or `env:NAME:-default`. */
export function readReference(body: string): ReferenceTarget {
  const environment = /^env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(body);
  if (environment !== null) {
    const [, name = "", fallback] = environment;
    return { kind: "environment", name, ...(fallback !== undefined && { fallback }) };
  }
  const [space, ...path] = body.split(".");
  const isPath = path.length > 0 && path.every((segment) => /^[^\s{}$]+$/.test(segment));
  return space === "vars" && isPath ? { kind: "variable", path } : { kind: "invalid" };
}
