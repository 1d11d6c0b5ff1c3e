"""Writes bpe.json beside this file: the vocabulary and merges that Rust's tokenizers learns from a few texts by
byte-level BPE, and the ids that its tokenizer gives them.

Usage: python make_bpe.py        Needs: tokenizers 0.23.

The texts are those of tokenizers/tokenizers.json.
"""
import json
import pathlib

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

folder = pathlib.Path(__file__).parent
cases = json.loads((folder / "tokenizers/tokenizers.json").read_text(encoding="utf-8"))
texts = [case["text"] for name in sorted(cases) for case in cases[name]]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=420,
    min_frequency=2,
    special_tokens=["<pad>", "</s>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
tokenizer.train_from_iterator(texts, trainer)
model = json.loads(tokenizer.to_str())["model"]
vocabulary = sorted(model["vocab"], key=model["vocab"].get)
encoded = [{"text": text, "input_ids": tokenizer.encode(text).ids} for text in dict.fromkeys(texts)]
(folder / "bpe.json").write_text(
    json.dumps({"texts": texts, "vocabulary": vocabulary, "merges": model["merges"], "encoded": encoded}, ensure_ascii=False) + "\n",
    encoding="utf-8",
)
