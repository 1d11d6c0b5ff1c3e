/** A piece of a text with references: plain text, a reference `${body}`, or a mistake in one. */
export type TextPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "reference"; readonly body: string; readonly written: string }
  | {
      readonly kind: "mistake";
      readonly mistake: "double-braces" | "unclosed";
      readonly written: string;
    };

/** Cuts a text at its references; `$${` is the text `${`. A text without references is one part. */
export function scanReferences(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (let at = text.indexOf("${"); at >= 0; at = text.indexOf("${", end)) {
    const isEscaped = at > end && text[at - 1] === "$";
    const before = text.slice(end, isEscaped ? at - 1 : at);
    if (before !== "") parts.push({ kind: "text", text: before });
    const part = isEscaped ? ({ kind: "text", text: "${" } as const) : partAt(text, at);
    parts.push(part);
    end = at + (part.kind === "text" ? 2 : part.written.length);
  }
  if (end < text.length || parts.length === 0) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

/** The reference that begins at an offset. One that is never closed goes on to the end: so no text is read twice. */
function partAt(text: string, start: number): TextPart {
  const isDouble = text.startsWith("${{", start);
  const closer = isDouble ? "}}" : "}";
  const end = text.indexOf(closer, start);
  const written = text.slice(start, end < 0 ? text.length : end + closer.length);
  if (isDouble) return { kind: "mistake", mistake: "double-braces", written };
  if (end < 0) return { kind: "mistake", mistake: "unclosed", written };
  return { kind: "reference", body: written.slice(2, -1), written };
}

/** What a reference asks for. */
export type ReferenceTarget =
  | {
      readonly kind: "variable";
      readonly space: "vars" | "matrix";
      readonly path: readonly string[];
    }
  | { readonly kind: "environment"; readonly name: string; readonly fallback?: string }
  | { readonly kind: "invalid" };

/** Reads the inside of `${…}`: `vars.a.b`, `matrix.a`, `env:NAME` or `env:NAME:-default`. */
export function readReference(body: string): ReferenceTarget {
  const environment = /^env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(body);
  if (environment !== null) {
    const [, name = "", fallback] = environment;
    return { kind: "environment", name, ...(fallback !== undefined && { fallback }) };
  }
  const [space, ...path] = body.split(".");
  const isPath = path.length > 0 && path.every((segment) => /^[^\s{}$]+$/.test(segment));
  return (space === "vars" || space === "matrix") && isPath
    ? { kind: "variable", space, path }
    : { kind: "invalid" };
}
