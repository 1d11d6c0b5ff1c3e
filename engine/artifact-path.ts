const longestName = 255;
// Windows knows these names as devices, whatever their extension.
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in names
const refusedCharacters = /[\u0000-\u001f\u007f\\:*?"<>|]/;

/**
 * Whether a path may name a file inside an artifact: relative, `/` between names, and nothing in it
 * that leads elsewhere or cannot be a file on some system.
 */
export function isArtifactPath(path: string): boolean {
  return isWellFormed(path) && path.split("/").every(isFileName);
}

function isFileName(name: string): boolean {
  return (
    name !== "" &&
    Buffer.byteLength(name) <= longestName &&
    !refusedCharacters.test(name) &&
    // Also `.` and `..`; Windows drops dots and spaces at the end.
    !/[. ]$/.test(name) &&
    !device.test(name)
  );
}

/** Whether all of these may stand in one artifact: no two name one file where case or Unicode form do not count. */
export function areArtifactPaths(paths: readonly string[]): boolean {
  const plain = new Set(paths.map((path) => path.normalize("NFC").toLowerCase()));
  const isBelowFile = (path: string) => {
    const names = path.split("/");
    return names.some((_, i) => i > 0 && plain.has(names.slice(0, i).join("/")));
  };
  return (
    paths.every(isArtifactPath) && plain.size === paths.length && ![...plain].some(isBelowFile)
  );
}

/** Half of a surrogate pair has no UTF-8 form. */
function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text;
}
