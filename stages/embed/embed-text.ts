import type { Device } from "../../compute/device.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { FileSource } from "../../models/file-source.ts";
import { loadPretrained } from "../../models/pretrained.ts";
import { Embedder } from "../../training/embed.ts";
import type { Embeddings } from "../artifacts/embeddings.ts";
import { withModelErrors } from "../artifacts/model.ts";
import { encoderDigest } from "../encoder-digest.ts";
import { BatchEncoder } from "../tokenize/batch-encoder.ts";
import { typesOf } from "../tokenize/tokenize-dataset.ts";

/** The vector of a text, made as those of the embeddings were; a StageFailure where the model is another one. */
export async function embedText(
  text: string,
  { facts, tokenizer }: Embeddings,
  { source, device }: { readonly source: FileSource; readonly device: Device },
): Promise<Float32Array> {
  const { model, parameters } = await withModelErrors("The model cannot embed", () =>
    loadPretrained(source, { task: "feature-extraction", seed: 0 }),
  );
  if (encoderDigest({ model, parameters }) !== facts.encoder)
    throw new StageFailure({
      code: "other-model",
      message: "The model is not the one that the vectors were made by.",
      hint: "run the embed stage again",
    });
  const maxLength = Math.min(facts.max_length, model.maxLength);
  const encoder = new BatchEncoder(tokenizer, { maxLength });
  const { ids, lengths } = encoder.encode([text]);
  if (lengths[0] === 0)
    throw new StageFailure({ code: "row-without-tokens", message: "The text has no tokens." });
  const offsets = Uint32Array.of(0, lengths[0]!);
  const { template } = encoder.facts;
  const typeIds = template.types && typesOf(offsets, template);
  const rows = { ids, offsets, labels: new Int32Array(1), rowIds: ["text"] };
  const embedder = new Embedder({ ...facts, model, parameters, device });
  try {
    return await embedder.embed({ ...rows, ...(typeIds && { typeIds }) }, [0]);
  } finally {
    await embedder.release();
  }
}
