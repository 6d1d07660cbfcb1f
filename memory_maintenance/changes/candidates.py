"""Which of many texts may belong to a few new ones, without taking each apart: those that hold certain words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.figures import plain_digits

Needed = tuple[str, ...]
"""Words, the longest first, all of which a text holds that may belong to a new one; of none: any text may."""

_GROUP: Final = re.compile(r"(?<=\d) (?=\d{3}\b)")


def plain_form(text: str) -> str:
    """Return *text* with one kind of digits, apostrophes and blanks, and no blank within a number."""
    return _GROUP.sub("", plain_digits(clean(text))).replace("’", "'")


def folded(text: str) -> str:
    """Return the text in which words are looked for, the casefold of ``plain_form``; fast where it is plain ASCII."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return _GROUP.sub("", text.strip()).lower()
    return plain_form(text).casefold()


def needed(words: Collection[str]) -> Needed:
    """Return *words* in the order in which they are looked for."""
    return tuple(sorted(words, key=len, reverse=True))


def holding(texts: Mapping[UUID, str], wanted: Collection[Needed]) -> set[UUID]:
    """Return those of *texts* that hold all words of one of the *wanted*, or the part of another word."""
    if () in wanted:
        return set(texts)
    found = set[UUID]()
    for one, text in texts.items():
        said = folded(text)
        for words in wanted:
            if words[0] in said and all(word in said for word in words):
                found.add(one)
                break
    return found
