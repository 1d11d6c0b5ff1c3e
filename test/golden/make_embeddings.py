"""Vectors of sentence-transformers for the texts of a case.

Usage: python make_embeddings.py bert-classify embeddings.json
       python make_embeddings.py gpt2-classify embeddings-gpt2.json

Each text alone and, with a padding token, all in one batch, for each pooling, with and without normalisation; texts that
are empty (where those have tokens), of one word, and longer than the limit are among them.
"""
import json, pathlib, sys
import numpy, sentence_transformers, transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer

case, target = map(pathlib.Path, sys.argv[1:])
texts = json.loads((case / "case.json").read_text())["texts"]
MAX_LENGTH = 24
tokenizer = transformers.AutoTokenizer.from_pretrained(case / "model")
texts = [*texts, *([""] if tokenizer("")["input_ids"] else []), "library", " ".join(texts)]

vectors = {}
for pooling in ["mean", "cls", "max", "lasttoken"]:
    for normalize in [False, True]:
        words = Transformer(str(case / "model"), max_seq_length=MAX_LENGTH)
        modules = [words, Pooling(words.get_embedding_dimension(), pooling_mode=pooling)]
        model = SentenceTransformer(modules=[*modules, Normalize()] if normalize else modules, device="cpu")
        padded = model.tokenizer.pad_token is not None
        if not padded: model.tokenizer.pad_token = model.tokenizer.eos_token  # asked for, and of no use for one text
        alone = numpy.stack([model.encode([text])[0] for text in texts])
        batch = model.encode(texts, batch_size=len(texts)) if padded else alone
        assert numpy.abs(batch - alone).max() < 1e-5
        name = f"{pooling}, normalised" if normalize else pooling
        vectors[name] = [[float(f"{x:.8g}") for x in row] for row in batch]
lengths = [len(model.tokenizer(text, truncation=True, max_length=MAX_LENGTH)["input_ids"]) for text in texts]
target.write_text(json.dumps({
    "sentence_transformers": sentence_transformers.__version__,
    "max_length": MAX_LENGTH, "texts": texts, "lengths": lengths, "vectors": vectors,
}, indent=None) + "\n")
