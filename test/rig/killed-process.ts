import { crashScenes } from "./crash-points.ts";
import { faultyFileSystem } from "./faulty-file-system.ts";

// A process that kills itself at a file call: `killed-process.ts SCENE PROJECT CALL`.
const [scene, project, call] = process.argv.slice(2);
const { fileSystem } = faultyFileSystem({ at: Number(call), how: "killed" });
await crashScenes[scene!]!.act(project!, fileSystem);
