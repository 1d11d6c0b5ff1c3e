import { StageFailure } from "../../engine/diagnostic.ts";

/** The failure of reading an artifact whose files are not what its type writes: a foreign or damaged cache. */
export function malformed(type: string, path: string, problem: string): StageFailure {
  return new StageFailure({
    code: "malformed-artifact",
    message: `A ${type} artifact cannot be read: ${path} ${problem}.`,
    hint: "run `tunesmith cache verify`; if it finds nothing, run the stage that made the artifact with --force",
  });
}
