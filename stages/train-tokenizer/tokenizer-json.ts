/** A JSON file as others here are written. */
export function jsonFile(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** tokenizer.json of these parts; the ids of its vocabulary are those of the special tokens, then the pieces in their order. */
export function withVocabulary(
  parts: { readonly model: { readonly vocab: object } },
  special: readonly string[],
  pieces: readonly string[],
): Uint8Array {
  const json = JSON.stringify(
    {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: special.map(addedToken),
      ...parts,
    },
    null,
    2,
  );
  // by hand, since an object would move pieces such as "7" to the front
  const entries = [...special, ...pieces].map(
    (piece, id) => `      ${JSON.stringify(piece)}: ${id}`,
  );
  const text = json.replace('"vocab": {}', () => `"vocab": {\n${entries.join(",\n")}\n    }`);
  return Buffer.from(`${text}\n`);
}

function addedToken(content: string, id: number) {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return { id, content, ...flags, special: true };
}
