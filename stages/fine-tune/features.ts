import { StageFailure } from "../../engine/diagnostic.ts";
import { FEATURES, headOnFeatures } from "../../models/frozen-encoder.ts";
import type { Model } from "../../models/model.ts";
import { type Parameter, parameter } from "../../models/parameters.ts";
import type { ModelWithWeights } from "../../models/pretrained.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import type { EmbeddedSplit, Embeddings, EmbeddingsFacts } from "../artifacts/embeddings.ts";
import { encoderDigest } from "../encoder-digest.ts";
import { rowDigest } from "../row-digest.ts";
import type { TrainedPart } from "./trained-part.ts";
import type { TrainingRows } from "./training-rows.ts";

/**
 * The training of a classifier's head on features instead of tokens: a table of all rows' vectors, in which each row is
 * one token. A StageFailure says why features do not fit the model or the rows.
 */
export function onFeatures(
  classifier: ModelWithWeights,
  rows: TrainingRows,
  { facts, splits }: Embeddings,
): TrainedPart {
  requireFit(classifier, facts);
  if (facts.pooling === "lasttoken") requireOtherEnd(classifier.model, rows);
  const given = [rows.train, ...(rows.validation ? [rows.validation] : [])];
  const found = given.map((dataset) => splitOf(dataset, splits));
  const count = found.reduce((sum, split) => sum + split.rows.length, 0);
  const table = new Float32Array(count * facts.width);
  const datasets = given.map((dataset, i) => {
    const first = found.slice(0, i).reduce((sum, split) => sum + split.rows.length, 0);
    table.set(found[i]!.vectors, first * facts.width);
    return asNumbers(dataset, first);
  });
  const [train, validation] = datasets as [TokenDataset, TokenDataset?];
  const model = headOnFeatures(classifier.model, count);
  const valueAt = (name: string): Parameter =>
    name === FEATURES ? parameter([count, facts.width], table) : classifier.parameters.get(name)!;
  const parameters = new Map(model.parameters.map(({ name }) => [name, valueAt(name)]));
  return {
    start: { ...classifier, model, parameters },
    rows: { ...rows, train, validation },
    whole({ parameters: trained }) {
      const entries = [...classifier.parameters].map(
        ([name, value]) => [name, trained.get(name) ?? value] as const,
      );
      return { ...classifier, parameters: new Map(entries) };
    },
  };
}

/** Each row as the only token of its text: its number in the table. */
function asNumbers({ typeIds: _, ...dataset }: TokenDataset, first: number): TokenDataset {
  const rows = dataset.rowIds.length;
  const ids = Uint32Array.from({ length: rows }, (_, row) => first + row);
  const offsets = Uint32Array.from({ length: rows + 1 }, (_, row) => row);
  return { ...dataset, ids, offsets };
}

/** The vectors of exactly these rows. */
function splitOf(dataset: TokenDataset, splits: Embeddings["splits"]): EmbeddedSplit {
  const digests = dataset.rowIds.map((_, row) => rowDigest(dataset, row));
  for (const split of splits.values())
    if (
      split.rows.length === digests.length &&
      split.rows.every(({ tokens }, row) => tokens === digests[row])
    )
      return split;
  const sizes = [...splits].map(([name, { rows }]) => `${name} with ${rows.length}`).join(", ");
  throw new StageFailure({
    code: "features-of-other-rows",
    message: `The features are not of the rows to be trained on: ${digests.length} rows, of which the first is "${dataset.rowIds[0]}"; the features have: ${sizes}.`,
    hint: "lead the same tokenize stage into embed and into fine-tune",
  });
}

function requireFit(classifier: ModelWithWeights, facts: EmbeddingsFacts): void {
  const { headReads, className } = classifier.model;
  if (headReads === undefined)
    throw new StageFailure({
      code: "features-do-not-fit",
      message: `${className} has no head that reads one token of a row.`,
      hint: "leave the input `features` out",
    });
  if (facts.pooling !== headReads || facts.normalize)
    throw new StageFailure({
      code: "features-do-not-fit",
      message: `The features have pooling: ${facts.pooling}${facts.normalize ? ", normalize: true" : ""}; the head of ${className} reads ${headReads === "cls" ? "the first token" : "the last token"} as it is.`,
      hint: `set pooling: ${headReads} and normalize: false in the embed stage`,
    });
  if (encoderDigest(classifier) !== facts.encoder)
    throw new StageFailure({
      code: "features-of-another-model",
      message: "The features were made by another model than the one whose head is trained.",
      hint: "give embed and fine-tune the same model",
    });
}

/** The head looks for the last token that is not the one of padding, vectors are of the last one. */
function requireOtherEnd({ padTokenId }: Model, { train, validation }: TrainingRows): void {
  for (const { ids, offsets, rowIds } of [train, ...(validation ? [validation] : [])])
    for (const [row, id] of rowIds.entries())
      if (ids[offsets[row + 1]! - 1] === padTokenId)
        throw new StageFailure({
          code: "features-do-not-fit",
          message: `The row "${id}" ends with the token ${padTokenId}, which the head takes for padding.`,
          hint: "leave the input `features` out, or give the model another pad_token_id",
        });
}
