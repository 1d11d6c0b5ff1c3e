/**
 * The character that stands for each byte in byte-level tokenizers: itself where it can be seen, else one from U+0100
 * on. https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */
export const byteCharacters: readonly string[] = charactersOfBytes();

/** A text's UTF-8 bytes, each by its character. */
export function asByteCharacters(text: string): string {
  let characters = "";
  for (const byte of Buffer.from(text)) characters += byteCharacters[byte];
  return characters;
}

function charactersOfBytes(): readonly string[] {
  let unseen = 0x100;
  const isSeen = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isSeen(byte) ? byte : unseen++),
  );
}
