"""How rare a word is among a tenant's sessions: what distinguishes one of them from the others."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from memory_maintenance.writers.extractive.payloads import payload_text
from memory_maintenance.writers.language.segmentation import is_unspaced, segments
from memory_maintenance.writers.language.words import is_content, stem

_ENOUGH: Final = 8
"""Sessions from which on the share that holds a word tells whether it is a stop word."""

_EVERYWHERE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Background:
    """In how many of a tenant's other sessions each word stands; ``frequency`` is keyed as by ``session_words``."""

    sessions: int = 0
    frequency: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, sessions: Iterable[Iterable[str]]) -> Background:
        """Count the ``session_words`` of *sessions*."""
        counted: Counter[str] = Counter()
        number = 0
        for words in sessions:
            counted.update(set(words))
            number += 1
        return cls(number, counted)

    def rarity(self, word: str) -> float:
        """Return how rare *word* is, in (0, 1]: 1 for one that no other session has, or where none is known."""
        if not self.sessions:
            return 1.0
        known = min(self.frequency.get(word, 0), self.sessions)
        return math.log((self.sessions + 2) / (known + 0.5)) / math.log((self.sessions + 2) / 0.5)

    def is_everywhere(self, word: str) -> bool:
        """Whether *word* is a stop word of this tenant: known from enough sessions, in many of them."""
        return self.sessions >= _ENOUGH and self.frequency.get(word, 0) > _EVERYWHERE * self.sessions


NO_BACKGROUND: Final = Background()

ELISION: Final = re.compile(r"^(l|d|j|qu|s|n|m|t|c|un|dell|nell|all|dall|sull|quell)['’](?=\w{3})", re.IGNORECASE)
"""A short word before an apostrophe that is not the beginning of the word behind it: l'assurance."""


def word_key(word: str) -> str:
    """Return what a word as it is written is counted by: its stem, or itself in a script without spaces."""
    folded = word.casefold()
    return folded if is_unspaced(folded) else stem(folded)


def session_words(texts: Sequence[str], *, most_characters: int = 4_000) -> frozenset[str]:
    """Return the words of a session that a ``Background`` counts: content words, of each text from its beginning."""
    found = {word for text in texts for word in segments(payload_text(text[:most_characters]))}
    found |= {word[elided.end() :] for word in found if (elided := ELISION.match(word))}
    return frozenset(key for word in found if (key := _counted_key(word)) is not None)


@lru_cache(maxsize=65536)
def _counted_key(word: str) -> str | None:
    """Return what a ``Background`` counts *word* by; None: it counts no such word."""
    counts = is_unspaced(word) or (is_content(word.casefold()) and not word.isdigit())
    return word_key(word) if counts else None
