"""Sentences, words and stems: how every measure of this library takes a text apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.dates import MONTH_NAMES
from memory_maintenance.writers.language.stop_words import STOP_WORDS

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Scripts written without spaces: Thai, Lao, Burmese, Khmer, kana and Han."""

_MARKS: Final = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
"""Accents, vowel points and vowel signs, which ``\\w`` leaves out though words contain them."""

_LETTER: Final = rf"(?:(?![{_UNSPACED}])(?:[^\W_]|[{_MARKS}]))"
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]+|{_LETTER}+(?:['’]{_LETTER}+)*")
_UNSPACED_RUN: Final = re.compile(f"[{_UNSPACED}]+")
_RUN: Final = re.compile(rf"[^\s{_UNSPACED}]+")

_ENDINGS: Final = (("ing", ""), ("ied", "y"), ("ies", "y"), ("ed", ""), ("es", ""), ("ly", ""), ("s", ""))

_DOUBLED: Final = re.compile(r"..([^aeioulsz\W\d_])\1$")
_SHORTEST_STEM: Final = 3
_SHORT_WORD: Final = 2

_SENTENCE_END: Final = re.compile(r"(?<=[。！？])|(?<=[.!?…؟।])(?=\s)|(?<=[.!?][\"'”’)\]])(?=\s)|\n+")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|e\.g|i\.e|etc|vs|cf|approx|mr|mrs|ms|dr|st|inc|ltd|fig)\.$", re.IGNORECASE
)
_ORDINAL: Final = re.compile(r"(?<![\d.,])\d{1,2}\.$")


def tokens(text: str) -> list[str]:
    """Return the words of *text* in order, casefolded.

    A run of a script without spaces becomes its overlapping pairs of
    characters, as search engines do.
    """
    runs: list[str] = _TOKEN.findall(clean(text).casefold())
    return runs if text.isascii() else [token for run in runs for token in _split_unspaced(run)]


def _split_unspaced(run: str) -> Iterable[str]:
    if not _is_unspaced(run):
        return (run.replace("’", "'"),)
    return (run[i : i + 2] for i in range(max(1, len(run) - 1)))


def _is_unspaced(token: str) -> bool:
    return not token.isascii() and _UNSPACED_RUN.match(token) is not None


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return *word* without its English ending, so that forms of a word compare equal.

    Strips ``'s`` and one of ``ing ied ies ed es s ly``, then a final ``e`` and the
    doubled consonant that an ending had brought; at least three letters stay.
    """
    word = word.removesuffix("'s")
    for ending, instead in _ENDINGS:
        root = word.removesuffix(ending) + instead
        if word.endswith(ending) and len(root) >= _SHORTEST_STEM and not word.endswith("ss"):
            return _without_final_e(root[:-1] if _DOUBLED.search(root) else root)
    return _without_final_e(word)


def _without_final_e(root: str) -> str:
    return root[:-1] if root.endswith("e") and len(root) > _SHORTEST_STEM else root


def is_content(token: str) -> bool:
    """Whether *token* carries meaning: no stop word, and longer than two letters, or digits.

    In a script without spaces a pair of characters is a word.
    """
    if token in STOP_WORDS:
        return False
    return len(token) > _SHORT_WORD or token.isdigit() or (len(token) == _SHORT_WORD and _is_unspaced(token))


def content_stems(text: str) -> list[str]:
    """Return the stems of the content words of *text*, in order, with repeats."""
    return [stem(token) for token in tokens(text) if is_content(token)]


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of *text*, cleaned, none of them blank."""
    found: list[str] = []
    for piece in filter(None, map(str.strip, _pieces(clean(text)))):
        if found and (_ABBREVIATION.search(found[-1][-12:]) or _is_ordinal(found[-1], piece)):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def _is_ordinal(before: str, after: str) -> bool:
    """Whether a full stop only makes a number an ordinal: ``am 3. Januar``, ``der 2. Satz`` in lower case."""
    if _ORDINAL.search(before) is None:
        return False
    word = after.split(maxsplit=1)[0].lower().strip(".,;:!?")
    return word in MONTH_NAMES or after[:1].islower()


def _pieces(text: str) -> Iterator[str]:
    """Yield what lies between two ends of sentences; ``re.split`` would also split at an empty match's both sides."""
    start = 0
    for end in _SENTENCE_END.finditer(text):
        yield text[start : end.start()]
        start = end.end()
    yield text[start:]


def ngrams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Return the runs of *size* successive words."""
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]


def word_count(text: str) -> int:
    """Return the number of words between blanks; two characters of a script without spaces are one."""
    return sum(any(map(str.isalnum, run)) for run in _RUN.findall(text)) + sum(
        -(-len(run) // 2) for run in _UNSPACED_RUN.findall(text)
    )


def longest_run(text: str) -> int:
    """Return the length in characters of the longest stretch of *text* without a blank."""
    return max((len(run) for run in _RUN.findall(clean(text))), default=0)
