import { readTree } from "../engine/build/execute-stage.ts";
import { type Problem, StageFailure } from "../engine/diagnostic.ts";
import type { PipelineStage } from "../engine/pipeline/pipeline.ts";
import { type Result, success } from "../engine/result.ts";
import { folderSource } from "../models/file-source.ts";
import { dataset, type Row } from "../stages/artifacts/dataset.ts";
import { embeddings } from "../stages/artifacts/embeddings.ts";
import { modelSource } from "../stages/artifacts/model.ts";
import type { NearDuplicates } from "../stages/embed/near-duplicates.ts";
import { type NearRow, nearestRows, vectorOfRow } from "../stages/embed/nearest-rows.ts";
import type { ExaminedFile } from "./examine-file.ts";
import { upToDateTree } from "./up-to-date-tree.ts";

/** The vectors of an embed stage with the rows that they stand for. */
export interface EmbeddedRows {
  /** The rows nearest to a row, itself left out, or to a text where no row has this id. */
  near(of: string, count: number): Promise<{ row: boolean; nearest: readonly NearRow[] }>;
  /** Rows that are at least so near to each other, and the `count` nearest pairs. */
  duplicates(least: number, count: number): Promise<NearDuplicates>;
  /** What the dataset above says of a row; undefined where it is gone from the cache. */
  rowOf(near: Pick<NearRow, "split" | "id">): Row | undefined;
}

/** Opens the vectors of an embed stage that is up to date. */
export async function openEmbeddedRows(
  view: ExaminedFile,
  stage: PipelineStage,
): Promise<Result<EmbeddedRows, Problem>> {
  const tree = upToDateTree(view, { stage, port: "embeddings" });
  if (!tree.ok) return tree;
  const vectors = await embeddings.read(readTree(tree.value, view.cache.blobs));
  const rows = await rowsAbove(view, stage);
  return success({
    rowOf: ({ split, id }) => rows.get(split)?.get(id),
    async duplicates(least, most) {
      const { nearDuplicates } = await import("../stages/embed/near-duplicates.ts");
      return nearDuplicates(vectors, { least, most, device: await deviceOf(view) });
    },
    async near(of, count) {
      const found = vectorOfRow(vectors, of);
      if (found === undefined) {
        const { embedText } = await import("../stages/embed/embed-text.ts");
        const vector = await embedText(of, vectors, await encoderOf(view, stage));
        return { row: false, nearest: nearestRows(vectors, vector, count) };
      }
      const isItself = ({ split, id }: NearRow) => split === found.split && id === of;
      const nearest = nearestRows(vectors, found.vector, count + 1);
      return { row: true, nearest: nearest.filter((near) => !isItself(near)).slice(0, count) };
    },
  });
}

/** The model that the stage's param or port names, and the device to run it on. */
async function encoderOf(view: ExaminedFile, { sources, inputs }: PipelineStage) {
  const device = await deviceOf(view);
  const [folder] = sources;
  if (folder !== undefined) return { source: folderSource(folder.absolute), device };
  const { stage: name, port } = inputs.model!;
  const stage = view.pipeline.stages.find((one) => one.name === name)!;
  const tree = upToDateTree(view, { stage, port });
  if (!tree.ok) throw new StageFailure(tree.error);
  return { source: modelSource(readTree(tree.value, view.cache.blobs)), device };
}

async function deviceOf(view: ExaminedFile) {
  const { openDevice } = await import("../stages/open-device.ts");
  return openDevice(view.device);
}

/** The rows of the nearest dataset above a stage, by split and id: tokens and vectors keep the ids of their rows. */
async function rowsAbove(
  view: ExaminedFile,
  stage: PipelineStage,
): Promise<ReadonlyMap<string, ReadonlyMap<string, Row>>> {
  const read = stage.inputs.dataset;
  const above = view.pipeline.stages.find(({ name }) => name === read?.stage);
  if (read === undefined || above === undefined) return new Map();
  const tree = upToDateTree(view, { stage: above, port: read.port });
  if (!tree.ok || tree.value.type !== dataset.name) return rowsAbove(view, above);
  const { splits } = await dataset.read(readTree(tree.value, view.cache.blobs));
  const byId = (rows: readonly Row[]) => new Map(rows.map((row) => [row.id, row]));
  return new Map([...splits].map(([split, rows]) => [split, byId(rows)]));
}
