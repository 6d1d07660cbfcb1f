"""The few words of its own that the built-in writer adds, in the language of the session."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from memory_maintenance.writers.language.languages import Language

_MORE: Final = MappingProxyType(
    {
        "en": "and {} more like this",
        "de": "und {} weitere dieser Art",
        "fr": "et {} autres de ce genre",
        "es": "y {} más como esta",
        "pl": "i {} więcej takich",
    }
)


def and_more_like_this(count: int, language: Language | None) -> str:
    """Return how many facts of one kind are not told; a sign where the language has no phrase here."""
    return _MORE.get(language or "", "+{}").format(count)


def framing(count: int = 99) -> str:
    """Return everything that ``and_more_like_this`` may say, as a source of a summary: every number up to *count*."""
    return " ".join([*_MORE.values(), *map(str, range(1, count + 1))])
