"""Writes the ids and decoded texts in tokenizers/tokenizers.json anew, and those of texts given as words in
tokenizers/words.json, by Rust's tokenizers library, from the texts that stand there and the tokenizer.json in the
folder of each name. Byte-level tokenizers get add_prefix_space for words, as transformers' add_prefix_space=True does.

Usage: python make_tokenizers.py        Needs: tokenizers 0.23.

The three tokenizers (WordPiece with 800 pieces, byte-level BPE with 700) were trained on short descriptions of
Debian 12 packages; see pipelines/data/README.md for their origin.
"""
import json
import pathlib

from tokenizers import Tokenizer

folder = pathlib.Path(__file__).parent / "tokenizers"
path = folder / "tokenizers.json"
cases = json.loads(path.read_text(encoding="utf-8"))
for name, texts in cases.items():
    tokenizer = Tokenizer.from_file(str(folder / name / "tokenizer.json"))
    for case in texts:
        case["input_ids"] = tokenizer.encode(case["text"]).ids
        case["decoded"] = tokenizer.decode(case["input_ids"])
path.write_text(json.dumps(cases, indent=1, ensure_ascii=False), encoding="utf-8")

path = folder / "words.json"
cases = json.loads(path.read_text(encoding="utf-8"))
for name, texts in cases.items():
    source = json.loads((folder / name / "tokenizer.json").read_text(encoding="utf-8"))
    if source["pre_tokenizer"]["type"] == "ByteLevel":
        source["pre_tokenizer"]["add_prefix_space"] = True
    tokenizer = Tokenizer.from_str(json.dumps(source))
    for case in texts:
        tokenizer.enable_truncation(case["max_length"])
        encoded = tokenizer.encode(case["words"], is_pretokenized=True)
        case["input_ids"], case["word_ids"] = encoded.ids, encoded.word_ids
path.write_text(json.dumps(cases, indent=1, ensure_ascii=False), encoding="utf-8")
