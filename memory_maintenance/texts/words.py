"""Sentences, words and stems: how every measure of this library takes a text apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from memory_maintenance.texts.cleaning import clean
from memory_maintenance.texts.figures import figures, supported_figures
from memory_maintenance.texts.stop_words import STOP_WORDS

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Scripts written without spaces: Thai, Lao, Burmese, Khmer, kana and Han."""

_MARKS: Final = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
"""Accents, vowel points and vowel signs, which ``\\w`` leaves out though words contain them."""

_LETTER: Final = rf"(?:(?![{_UNSPACED}])(?:[^\W_]|[{_MARKS}]))"
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]+|{_LETTER}+(?:['’]{_LETTER}+)*")
_RUN: Final = re.compile(rf"[^\s{_UNSPACED}]+")

_SENTENCE_END: Final = re.compile(r"(?<=[。！？])|(?<=[.!?…؟।])(?=\s)|(?<=[.!?][\"'”’)\]])(?=\s)|\n+")
_ABBREVIATION: Final = re.compile(r"(?:^|[\s(])(?:[A-Za-z]|e\.g|i\.e|etc|vs|cf|approx|no|mr|mrs|ms|dr|st|inc|ltd|fig)\.$", re.I)


def tokens(text: str) -> list[str]:
    """Return the words of *text* in order, casefolded.

    A run of a script without spaces becomes its overlapping pairs of
    characters, as search engines do.
    """
    return [token for run in _TOKEN.findall(clean(text).casefold()) for token in _split_unspaced(run)]


def _split_unspaced(run: str) -> Iterable[str]:
    if not _is_unspaced(run):
        return (run.replace("’", "'"),)
    return (run[i : i + 2] for i in range(max(1, len(run) - 1)))


def _is_unspaced(token: str) -> bool:
    return re.match(f"[{_UNSPACED}]", token) is not None


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return *word* without its English ending, so that forms of a word compare equal.

    Strips ``'s`` and one of ``ing ied ies ed es s ly``, then a final ``e`` and the
    doubled consonant that an ending had brought; at least three letters stay.
    """
    word = word.removesuffix("'s")
    for ending, instead in (("ing", ""), ("ied", "y"), ("ies", "y"), ("ed", ""), ("es", ""), ("ly", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not (ending == "s" and word.endswith("ss")):
            return _undoubled(word[: -len(ending)] + instead)
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _undoubled(root: str) -> str:
    doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeioulsz"
    if doubled:
        return root[:-1]
    return root[:-1] if root.endswith("e") and len(root) > 3 else root


def is_content(token: str) -> bool:
    """Whether *token* carries meaning: no stop word, and longer than two letters, or digits."""
    if token in STOP_WORDS:
        return False
    return len(token) > 2 or token.isdigit() or (len(token) == 2 and _is_unspaced(token))


def content_stems(text: str) -> list[str]:
    """Return the stems of the content words of *text*, in order, with repeats."""
    return [stem(token) for token in tokens(text) if is_content(token)]


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of *text*, cleaned, none of them blank."""
    found: list[str] = []
    for piece in filter(None, map(str.strip, _pieces(clean(text)))):
        if found and _ABBREVIATION.search(found[-1][-12:]) and not found[-1].endswith("\n"):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


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


def longest_run(text: str) -> int:
    """Return the length in characters of the longest stretch of *text* without a blank."""
    return max((len(run) for run in _RUN.findall(clean(text))), default=0)


def unsupported(text: str, sources: Sequence[str]) -> frozenset[str]:
    """Return the content words (as stems) and figures of *text* that stand in none of *sources*.

    Empty means grounded: every word that carries meaning, number and date was
    in what the text is about. Times of memories count as sources only when
    they are given as one.
    """
    stems = set(content_stems(text)).difference(*map(content_stems, sources))
    return frozenset(stems | (figures(text) - supported_figures(sources)))
