"""What a conversation is about, in a few terms of its own: YAKE, without names of speakers and small talk."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import yake

from memory_maintenance.writers.extractive.salience import is_role, is_small_talk, speaker
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.figures import figures
from memory_maintenance.writers.language.stop_words import CHATTER, FILLER, STOP_WORDS
from memory_maintenance.writers.language.words import is_content, longest_run, stem, tokens

_CANDIDATES: Final = 80
_LONGEST_TEXT: Final = 400
_BUDGET: Final = 40_000
"""Characters read in all: YAKE needs a tenth of a second for them, and more text no longer changes its first terms."""

_LONGEST_TERM: Final = 40
_INSIDE: Final = re.compile(r"[\w,;] $")


@dataclass(frozen=True, slots=True)
class _Term:
    words: tuple[str, ...]
    stems: tuple[str, ...]
    weight: float


def key_terms(texts: Sequence[str], *, most: int = 6) -> tuple[str, ...]:
    """Return up to *most* terms that *texts* are about, the strongest first, as they stand there.

    Terms of one to three words; of two that share a stem the stronger stays. At
    least one when any text has a content word or number of up to 40 characters,
    none otherwise.

    Source: Campos et al., "YAKE! Keyword extraction from single documents"
    (2020), weighted by the number of texts that hold the term.
    """
    read = _excerpts(texts)
    chosen: list[_Term] = []
    for term in sorted(_terms(read, speakers(texts)), key=lambda term: (-term.weight, term.words)):
        if len(chosen) < most and not any(set(term.stems) & set(other.stems) for other in chosen):
            chosen.append(term)
    whole = "\n".join(read)
    return tuple(as_written(term.words, whole) for term in chosen) or _most_frequent(texts)


def as_written(words: Sequence[str], text: str) -> str:
    """Return successive casefolded *words* as *text* writes them most often inside its sentences.

    Where they only begin sentences, a capital first letter of the only capital
    is taken for the sentence's.
    """
    phrase = re.compile(r"(?<!\w)" + r"[^\w\n]{1,3}".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)
    found = list(phrase.finditer(text))
    inside = Counter(match.group() for match in found if _INSIDE.search(text, max(0, match.start() - 2), match.start()))
    if inside:
        return max(inside, key=lambda form: (inside[form], form))
    form = found[0].group() if found else " ".join(words)
    return form[:1].lower() + form[1:] if form[1:].islower() and form[:1].lower().casefold() == words[0][:1] else form


def speakers(texts: Sequence[str]) -> frozenset[str]:
    """Return who speaks: the names that stand before the colon of at least two texts, casefolded."""
    counted = Counter(filter(None, map(speaker, texts)))
    return frozenset(name for name, count in counted.items() if count > 1 or is_role(name))


def names_subject(token: str, silent: frozenset[str] = frozenset()) -> bool:
    """Whether a term may begin or end with *token*: a content word, no number, filler, greeting, role or speaker."""
    plain = not any(character.isdigit() for character in token)
    return plain and is_content(token) and token not in FILLER | CHATTER | silent and not is_role(stem(token))


def _excerpts(texts: Sequence[str]) -> list[str]:
    """Return the beginnings of texts without small talk, evenly spread over the sequence within the budget."""
    spoken = [clean(text[:_LONGEST_TEXT]) for text in texts if not is_small_talk(text[:_LONGEST_TEXT])]
    step = max(1, math.ceil(sum(map(len, spoken)) / _BUDGET))
    return [" ".join(word for word in text.split() if longest_run(word) <= _LONGEST_TERM) for text in spoken[::step]]


def _terms(texts: Sequence[str], silent: frozenset[str]) -> Iterator[_Term]:
    words = [tokens(text) for text in texts]
    stems = [" ".join(["", *map(stem, line), ""]) for line in words]
    seen: set[tuple[str, ...]] = set()
    for found, score in _yake().extract_keywords("\n".join(_closed(text) for text in texts)):
        term = _trimmed(tokens(found), silent)
        key = tuple(map(stem, term))
        count = sum(f" {' '.join(key)} " in line for line in stems)
        if term and key not in seen and count >= _fewest(term) and not any(map(str.isdecimal, term)):
            seen.add(key)
            yield _Term(tuple(term), key, _weight(count, len(term), float(score)))


def _trimmed(words: list[str], silent: frozenset[str]) -> list[str]:
    """Drop what names no subject from both ends, and a verb in the past from the end: ``crash reports jumped``."""
    naming = [index for index, word in enumerate(words) if names_subject(word, silent)]
    while naming and words[naming[-1]].endswith("ed"):
        naming.pop()
    return words[naming[0] : naming[-1] + 1] if naming else []


def _fewest(term: Sequence[str]) -> int:
    """Return how many texts must hold *term*: what has a stop word inside and stands once is no set phrase."""
    return 2 if any(word in STOP_WORDS for word in term) else 1


def _weight(count: int, length: int, score: float) -> float:
    """Prefer what recurs and has two or three words; YAKE's score is better the smaller it is."""
    return (count - 0.6) * (1.0 if length == 1 else 3.0) / (0.2 + score)


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _most_frequent(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the most frequent content word, one that names a subject if there is any; else a number."""
    words = [token for text in texts for token in tokens(text) if is_content(token) and not token.isdecimal()]
    counted = Counter(word for word in words if len(word) <= _LONGEST_TERM)
    counted = counted or Counter(one for text in texts for one in sorted(figures(text)) if len(one) <= _LONGEST_TERM)
    return tuple(sorted(counted, key=lambda word: (not names_subject(word), -counted[word], word))[:1])


@cache
def _yake() -> yake.KeywordExtractor:
    # It catches its own exceptions and logs the first hundred characters of the text with them.
    logging.getLogger("yake.core.yake").addFilter(lambda _: False)
    return yake.KeywordExtractor(lan="en", n=3, top=_CANDIDATES, dedup_lim=1.0)
