import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkPage } from "../rig/printed-page.ts";
import { startRemoteServer } from "../rig/remote-server.ts";
import { smallData } from "../rig/small-pipeline.ts";

const page = fileURLToPath(new URL("../../docs/commands.md", import.meta.url));

test("all that the page shows is printed when its commands are run", async () => {
  await using remote = await startRemoteServer();
  const filesOf = async (text: string) => ({
    "data.csv": smallData,
    "demo.tune.yaml": /```yaml\n([\s\S]*?)```/.exec(text)![1]!,
  });
  await checkPage(page, filesOf, { environment: { REMOTE: remote.url.href } });
});
