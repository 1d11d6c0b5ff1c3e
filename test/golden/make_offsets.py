"""Writes tokenizers/offsets.json anew: where Rust's tokenizers put the tokens of the texts that stand in tokenizers.json and
of some more, in characters of the text, without special tokens and without white space at the ends of a token.

Usage: python make_offsets.py        Needs: tokenizers 0.23.
"""
import json
import pathlib

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

folder = pathlib.Path(__file__).parent / "tokenizers"
cases = json.loads((folder / "tokenizers.json").read_text(encoding="utf-8"))
more = ["Ada Lovelace (1815-1852) wrote notes, and an algorithm.", "the  desktop\tof Zürich's 東京 office 🙂 x", "x [MASK] y", "unbelievable naïveté"]


def trimmed(text, begin, end):
    while begin < end and text[begin].isspace(): begin += 1
    while end > begin and text[end - 1].isspace(): end -= 1
    return [begin, end]


def offsets(tokenizer, texts):
    for text in texts:
        encoded = tokenizer.encode(text, add_special_tokens=False)
        yield {"text": text, "input_ids": encoded.ids, "offsets": [trimmed(text, *place) for place in encoded.offsets]}


def unigram():
    """A small vocabulary in the manner of XLM-RoBERTa's: NFKC, spaces collapsed, a mark for spaces."""
    pieces = ["<unk>", "▁", "▁the", "▁desk", "top", "▁of", "▁x", "o", "f", "i", "a", "d", "▁A", "e", "l", "c", "v", "n"]
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0 - i / 10) for i, piece in enumerate(pieces)], unk_id=0))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    return tokenizer


golden = {
    name: list(offsets(Tokenizer.from_file(str(folder / name / "tokenizer.json")), [one["text"] for one in texts] + more))
    for name, texts in cases.items()
}
(folder / "unigram").mkdir(exist_ok=True)
unigram().save(str(folder / "unigram" / "tokenizer.json"))
golden["unigram"] = list(offsets(unigram(), ["the desktop of Ada", "  the ﬁ  desk", "xyz of", "desktop"]))
(folder / "offsets.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
