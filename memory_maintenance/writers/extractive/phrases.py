"""The few words of its own that the built-in writer adds, in the language of the session."""

from __future__ import annotations

import re
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
_MORE_NAMES: Final = MappingProxyType(
    {"en": "and {} more", "de": "und {} weitere", "fr": "et {} autres", "es": "y {} más", "pl": "i {} więcej"}
)


def and_more_like_this(count: int, language: Language | None) -> str:
    """Return how many facts of one kind are left out; a sign where the language has no phrase here."""
    return _MORE.get(language or "", "+{}").format(count)


def and_more(count: int, language: Language | None) -> str:
    """Return how many entries of a list are left out."""
    return _MORE_NAMES.get(language or "", "+{}").format(count)


_COUNTS: Final = re.compile(
    r" ?\((?:"
    + "|".join(re.escape(phrase).replace(r"\{\}", r"\d+") for phrase in [*_MORE.values(), *_MORE_NAMES.values(), "+{}"])
    + r")\)"
)


def without_counts(text: str) -> str:
    """Return *text* without its counts of what is left out: their words and numbers are in no source."""
    return _COUNTS.sub("", text)
