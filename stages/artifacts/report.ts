import type { ArtifactType } from "../../engine/artifact.ts";
import type { Json } from "../../engine/stage.ts";
import { malformed } from "./malformed.ts";

/** What a stage says about its work for people to read: counts, examples. One indented file, report.json. */
export const report: ArtifactType<Json> = {
  name: "report",
  format: 1,
  write: (value, files) => files.write("report.json", `${JSON.stringify(value, null, 2)}\n`),
  async read(files) {
    try {
      return JSON.parse(await files.readText("report.json")) as Json;
    } catch (error) {
      if (error instanceof SyntaxError) throw malformed("report", "report.json", "is not JSON");
      throw error;
    }
  },
};
