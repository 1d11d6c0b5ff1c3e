import type { ArtifactType } from "../../engine/artifact.ts";
import type { Json } from "../../engine/stage.ts";
import { malformed } from "./malformed.ts";

/** What a stage says about its work for people to read: counts, examples. One file, report.json. */
export const report: ArtifactType<Json> = jsonFile("report");

/** Numbers about a model by name; one file, metrics.json. */
export const metrics: ArtifactType<Json> = jsonFile("metrics");

/** A type of artifact that is one indented JSON file named for the type. */
function jsonFile(name: string): ArtifactType<Json> {
  const path = `${name}.json`;
  return {
    name,
    format: 1,
    write: (value, files) => files.write(path, `${JSON.stringify(value, null, 2)}\n`),
    async read(files) {
      try {
        return JSON.parse(await files.readText(path)) as Json;
      } catch (error) {
        if (error instanceof SyntaxError) throw malformed(name, path, "is not JSON");
        throw error;
      }
    },
  };
}
