"""Writes text-metrics.json beside this file: BLEU, chrF and the 13a words that sacrebleu gives for texts beside their
references, alone and together.

Usage: python make_text_metrics.py        Needs: sacrebleu 2.6.
"""
import json
import pathlib

import sacrebleu
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

PAIRS = [
    ("the cat sat on the mat", "the cat sat on the mat"),
    ("the the the the", "the cat is on the mat"),
    ("The cat.", "the cat"),
    ("jeu de strat\u00e9gie en temps r\u00e9el", "jeu de strat\u00e9gie en temps r\u00e9el de guerres anciennes"),
    ("It costs $3,000.50 (about 2-3% more), doesn't it?", "It costs $3,000.50, about 2 - 3 % more, does n't it?"),
    ("1.5 km/h, e-mail: a@b.org; C++ &amp; C# &lt;b&gt; &quot;x&quot;", "1,5 km/h, e-mail: a@b.org; C++ & C# <b> \"x\""),
    ("end.", "end ."),
    ("a.b,c 3.4 5, 6. -7 8-9 x-y 10-", "a . b , c 3.4 5 , 6 . -7 8 - 9 x-y 10 -"),
    ("\u65e5\u672c\u8a9e\u306e\u6587\u3067\u3059\u3002", "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059\u3002"),
    ("\U0001f600\U0001f600 smile\u00a0here\u3000now", "\U0001f600 smile here now"),
    ("line one\nline two-\nthree <skipped>four ", "line one line twothree four"),
    ("tab\tand\x0bvertical \x1funit\x85next", "tab and vertical unit next"),
    ("", "nothing was said"),
    ("x", "y"),
    ("a", "a"),
    ("ab", "abc"),
    ("Stra\u00dfe \u00c5ngstr\u00f6m na\u00efve", "Strasse Angstrom naive"),
    ("[a]_b_`c`{d}|e|~f^g\\h=i*j", "[ a ] _ b _ c { d } | e | f ^ g h = i * j"),
    ("word " * 30, "word " * 29 + "end"),
    ("\ufeffmark and\u200bzero", "mark and zero"),
]
tokenize = Tokenizer13a()
bleu, chrf = sacrebleu.metrics.BLEU(), sacrebleu.metrics.CHRF()
score = lambda pairs: {
    "bleu": bleu.corpus_score([a for a, _ in pairs], [[b for _, b in pairs]]).score,
    "chrf": chrf.corpus_score([a for a, _ in pairs], [[b for _, b in pairs]]).score,
}
cases = [{"text": a, "reference": b, "words": tokenize(a.rstrip()).split(), **score([(a, b)])} for a, b in PAIRS]
groups = {"all": score(PAIRS), "first three": score(PAIRS[:3]), "no hit": score([PAIRS[12], PAIRS[13]]), "one word each": score(PAIRS[13:15])}
path = pathlib.Path(__file__).parent / "text-metrics.json"
path.write_text(json.dumps({"cases": cases, "groups": groups}, indent=1) + "\n")
