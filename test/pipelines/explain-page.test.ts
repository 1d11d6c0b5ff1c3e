import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkPage } from "../rig/printed-page.ts";
import type { ProjectRig } from "../rig/project-rig.ts";
import { smallData } from "../rig/small-pipeline.ts";

const page = fileURLToPath(new URL("../../docs/explain-and-reproduce.md", import.meta.url));

test("all that the page shows is printed when its commands are run", async () => {
  const filesOf = async (text: string) => ({
    "data.csv": smallData,
    "demo.tune.yaml": /```yaml\n([\s\S]*?)```/.exec(text)![1]!,
  });
  const addRow = async (rig: ProjectRig) =>
    rig.write({ "data.csv": `${await rig.read("data.csv")}score the last level,game,s1\n` });
  await checkPage(page, filesOf, { whileWaiting: addRow });
});
