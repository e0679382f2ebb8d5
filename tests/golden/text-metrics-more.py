"""Writes text-metrics-more.json: values of NLTK and RapidFuzz, and of plain definitions, for texts that text-metrics.json lacks:
short ones, empty ones, other scripts, surrogate pairs, faults. Needs nltk (3.10.3 was used) and rapidfuzz (3.14.6), Python 3.11:

    python3 tests/golden/text-metrics-more.py > tests/golden/text-metrics-more.json
"""
import io
import json
import keyword
import math
import tokenize
import warnings
from collections import Counter

import nltk
import rapidfuzz
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from nltk.translate.chrf_score import sentence_chrf
from rapidfuzz.distance import LCSseq, Levenshtein

warnings.simplefilter("ignore")

LOOP = "for i in range(len(values)):\n    if values[i] > best:\n        best = values[i]\nreturn best"
PAIRS = [
    ("return x", "return x"),
    ("return x", "return y"),
    ("x", "y"),
    ("a b c", "a b c d"),
    ("return 'naïve café'", "return 'naive cafe'"),
    ("s = '日本語の文字列'\nreturn s[::-1]", "s = '日本語の文'\nreturn s[::-1] + s"),
    ("return '😀😁😂'", "return '😀😂'"),
    ("x = 'a\u00a0b' + y", "x = 'a b' + y"),
    (LOOP, LOOP.replace("values", "numbers")),
    (LOOP, "return max(values)"),
    (LOOP, "\n".join([LOOP] * 12)),
    ("\n".join(f"x{i} = {i}" for i in range(300)), "\n".join(f"x{i} = {i + i % 3}" for i in range(10, 290))),
    ("try:\n    return int(s)\nexcept ValueError:\n    return None", "try:\n    return int(s)\nexcept:\n    pass"),
    ("return sum(x * x for x in xs if x % 2 == 0)", "total = 0\nfor x in xs:\n    if x % 2 == 0:\n        total += x * x\nreturn total"),
]


def python_tokens(text):
    kinds = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP}
    return [token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type in kinds]


def weighted_ngrams(reference, sample):
    """Section 3.2 of CodeBLEU as its authors compute it, over Python's tokens."""
    logs = 0.0
    longest = min(4, max(len(reference), len(sample)))
    for n in range(1, longest + 1):
        ours = Counter(zip(*(sample[i:] for i in range(n))))
        theirs = Counter(zip(*(reference[i:] for i in range(n))))
        weight = (lambda gram: 1 if keyword.iskeyword(gram[0]) else 0.2) if n == 1 else (lambda gram: 1)
        matches = sum(weight(gram) * min(count, ours[gram]) for gram, count in theirs.items())
        total = sum(weight(gram) * count for gram, count in theirs.items())
        if n == 1 and matches == 0:
            return 0.0
        logs += math.log((matches or 0.1) / (total or 1)) / longest
    brevity = 1 if len(sample) > len(reference) else math.exp(1 - len(reference) / len(sample))
    return brevity * math.exp(logs)


pairs = []
for reference, sample in PAIRS:
    a, b = reference.split(), sample.split()
    pairs.append(
        {
            "reference": reference,
            "candidate": sample,
            "bleu4_method1": float(sentence_bleu([a], b, smoothing_function=SmoothingFunction().method1)),
            "chrf_nltk": sentence_chrf(reference, sample),
            "rouge_l_f1": 2 * LCSseq.similarity(a, b) / (len(a) + len(b)),
            "levenshtein": Levenshtein.distance(reference, sample),
            "token_levenshtein": Levenshtein.distance(python_tokens(reference), python_tokens(sample)),
            "python_tokens": len(python_tokens(sample)),
            "weighted_ngrams": weighted_ngrams(python_tokens(reference), python_tokens(sample)),
        }
    )
print(json.dumps({"nltk": nltk.__version__, "rapidfuzz": rapidfuzz.__version__, "pairs": pairs}, indent=1, ensure_ascii=False))
