import type { StageInput } from "../../engine/stage.ts";
import type { Dataset, Row } from "../artifacts/dataset.ts";
import type { Folder } from "../artifacts/folder.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import type { DatasetInput, Input, PortType } from "./define-stage.ts";

// biome-ignore lint/suspicious/noExplicitAny: an input of whatever type its port declares
type AnyInput = StageInput<any>;

/** An input as own stages see it: rows by split, files by path, other values as they are. */
export function ownInput(type: PortType, input: AnyInput): Input<PortType> | DatasetInput {
  switch (type) {
    case "dataset":
      return datasetInput(input);
    case "folder":
    case "model":
      return { files: input.files, read: async () => bytesOf((await input.read()) as Folder) };
    case "tokenizer":
      return {
        files: input.files,
        read: async () => Object.fromEntries((await input.read()) as TokenizerFiles),
      };
    default:
      return input;
  }
}

function datasetInput({ files, read }: AnyInput): DatasetInput {
  const names = files.paths.map((path) => path.slice(0, path.indexOf("/")));
  let whole: Promise<Dataset> | undefined;
  const splits = async () => {
    whole ??= read() as Promise<Dataset>;
    return (await whole).splits;
  };
  return {
    files,
    splits: names,
    read: async () => Object.fromEntries(await splits()),
    async rows(split) {
      const all = await splits();
      if (split === undefined) return [...all.values()].flat();
      const rows: readonly Row[] | undefined = all.get(split);
      if (rows !== undefined) return rows;
      throw new Error(`the dataset has no split "${split}", only: ${names.join(", ")}`);
    },
  };
}

async function bytesOf({ files }: Folder): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {};
  for (const [path, content] of files) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content as AsyncIterable<Uint8Array>) chunks.push(chunk);
    found[path] = Buffer.concat(chunks);
  }
  return found;
}
