import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkPage } from "../rig/printed-page.ts";
import { smallData } from "../rig/small-pipeline.ts";

const page = fileURLToPath(new URL("../../docs/explain-and-reproduce.md", import.meta.url));

test("all that the page shows is printed when its commands are run", async () => {
  await checkPage(page, async (text) => ({
    "data.csv": smallData,
    "demo.tune.yaml": /```yaml\n([\s\S]*?)```/.exec(text)![1]!,
  }));
});
