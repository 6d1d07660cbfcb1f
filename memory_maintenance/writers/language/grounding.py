"""How much of a text comes from its sources, for languages that inflect, agglutinate or write without spaces.

No dictionary and no guess of the language: words are compared by their first letters, in scripts that put
particles before a word by the letters inside it, and scripts without spaces by their characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.dates import MONTH_NAMES
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS, language_of, script_of
from memory_maintenance.writers.language.number_words import NUMBER_WORDS
from memory_maintenance.writers.language.stop_words import STOP_WORDS

Family = Literal["english", "spaced", "prefixing", "hangul", "indic", "han", "thai"]

_FAMILIES: Final[dict[str, Family]] = {
    "arabic": "prefixing",
    "hebrew": "prefixing",
    "hangul": "hangul",
    "indic": "indic",
}

LIMITS: Final[Mapping[Family, float]] = MappingProxyType(
    {
        "english": 0.55,
        "spaced": 0.65,
        "prefixing": 0.60,
        "hangul": 0.66,
        "indic": 0.50,
        "han": 0.62,
        "thai": 0.65,
    }
)
"""Share of unsupported words above which an answer is taken for invented.

Measured on ``tests/quality/answers`` (315 faithful answers in 19 languages, alone and in pairs; every answer also
against the other sessions of its language). ``docs/language-model.md`` has the table.
"""

_MARKS: Final = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_WORD: Final = re.compile(rf"[^\W\d_]+(?:[{_MARKS}][^\W\d_]*)*")
_SHORTEST: Final[dict[Family, int]] = {"english": 4, "spaced": 4, "prefixing": 3, "hangul": 2, "indic": 3}
_PREFIX: Final = 4
_PREFIX_SHARE: Final = 0.6
_COMPOUND: Final = 5
_HAN: Final = "\u3005-\u3007\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff"
_HAN_RUN: Final = re.compile(f"[{_HAN}]+")
_THAI_RUN: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
_LATIN: Final = re.compile(r"[a-z\u00e0-\u024f]{3,}")
_HEBREW: Final = re.compile("[\u0590-\u05ff]")
_PROCLITICS: Final = re.compile("(?:[وف]?[بكل]?(?:ال|لل)?|س?|[ושהכלבמ]{0,3})(?=...)")


@dataclass(frozen=True, slots=True)
class Grounding:
    """Which kind of script a text is written in, and the share of its words that are in no source, in [0, 1]."""

    family: Family
    unsupported: float


def family_of(text: str) -> Family:
    """Return how the words of *text* are compared."""
    script = script_of(text)
    if script == "unspaced":
        return "han" if len(re.findall(f"[{_HAN}\u3041-\u309f]", text)) > len(text) / 4 else "thai"
    if script == "latin" and language_of(text) == "en":
        return "english"
    return _FAMILIES.get(script, "spaced")


def grounding(text: str, sources: Sequence[str]) -> Grounding:
    """Return how much of *text* its *sources* support; a text without content words is supported."""
    family = family_of(text)
    words = frozenset(content_units(text, family))
    if not words:
        return Grounding(family, 0.0)
    known = frozenset(unit for source in sources for unit in content_units(source, family, short=True))
    supported = _SUPPORT[family](words, known)
    return Grounding(family, 1 - supported / len(words))


def content_units(text: str, family: Family, *, short: bool = False) -> Iterator[str]:
    """Yield what is compared: words that carry meaning, or pairs of characters where there are no spaces."""
    if family in ("han", "thai"):
        yield from _characters(text, family)
        return
    for word in _WORD.findall(clean(text).casefold()):
        known = word in STOP_WORDS or word in ALL_FUNCTION_WORDS or word in NUMBER_WORDS or word in MONTH_NAMES
        if not known and (short or len(word) >= _SHORTEST[family]):
            yield word


def _characters(text: str, family: Family) -> Iterator[str]:
    """Yield pairs of Han characters and katakana and each alone, fours of Thai, and words of the Latin alphabet.

    Hiragana is grammar. A character alone counts, because writers shorten 星期四 to 周四 and 疼痛 to 疼. Of
    threes a long Thai record holds two fifths by chance, of fours a sixth.
    """
    folded = clean(text).casefold()
    for run in (_HAN_RUN if family == "han" else _THAI_RUN).findall(folded):
        size = 2 if family == "han" else 4
        yield from (run[at : at + size] for at in range(len(run) - size + 1))
        if family == "han":
            yield from run
    yield from _LATIN.findall(folded)


def _by_prefix(words: Iterable[str], known: frozenset[str]) -> float:
    longest = 20
    starts = {word[:size] for word in known for size in range(2, min(len(word), longest) + 1)}
    parts = [word for word in known if len(word) >= _COMPOUND]
    supported = 0
    for word in words:
        size = min(longest, max(min(_PREFIX, len(word)), math.ceil(_PREFIX_SHARE * len(word))))
        compound = len(word) >= _COMPOUND and any(part in word or word in part for part in parts)
        supported += word[:size] in starts or compound
    return supported


def _by_inside(words: Iterable[str], known: frozenset[str]) -> float:
    """Compare first letters with and without the particles written onto a word.

    Hebrew verbs also change at their front: there three letters inside of a word are worth half.
    """
    starts = {start for word in known for start in _starts(word)}
    inside = {three for word in known for three in _threes(word)}
    return sum(
        1.0
        if not starts.isdisjoint(_starts(word))
        else 0.5 * (_HEBREW.match(word) is not None and not inside.isdisjoint(_threes(word)))
        for word in words
    )


def _threes(word: str) -> Iterator[str]:
    return (word[at : at + 3] for at in range(len(word) - 2))


def _starts(word: str) -> Iterator[str]:
    bare = _PROCLITICS.sub("", word, count=1)
    for form in {word, bare}:
        yield form[: max(3, math.ceil(_PREFIX_SHARE * len(form)))]


def _by_two(words: Iterable[str], known: frozenset[str]) -> float:
    starts = {word[at : at + 2] for word in known for at in range(len(word) - 1)}
    return sum(word[:2] in starts for word in words)


def _by_three(words: Iterable[str], known: frozenset[str]) -> float:
    starts = {word[:3] for word in known}
    return sum(word[:3] in starts for word in words)


def _as_they_are(words: Iterable[str], known: frozenset[str]) -> float:
    return sum(word in known for word in words)


_SUPPORT: Final = {
    "english": _by_prefix,
    "spaced": _by_prefix,
    "prefixing": _by_inside,
    "hangul": _by_two,
    "indic": _by_three,
    "han": _as_they_are,
    "thai": _as_they_are,
}
