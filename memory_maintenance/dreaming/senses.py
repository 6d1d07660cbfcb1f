"""Which memories use a word in one sense: River is neither the river nor River North."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memory_maintenance.writers.extractive.cues import TITLES
from memory_maintenance.writers.extractive.naming import names_subject
from memory_maintenance.writers.extractive.rarity import word_key

Lines = Sequence[Sequence[str]]
"""The sentences of a memory, each as its words in order."""


def of_one_sense(key: str, memories: Mapping[int, Lines]) -> frozenset[int]:
    """Return which *memories* use a word in its most frequent sense, as far as the spelling shows it.

    A name differs from the word in lower case. Where the word is part of several longer names, those with the most
    frequent one are left: which one it means alone is not certain.
    """
    plain, named = set[int](), dict[int, frozenset[str]]()
    for position, lines in memories.items():
        capital, beside = _spelling(key, lines)
        if capital is False:
            plain.add(position)
        elif capital:
            named[position] = beside
    if len(plain) > len(named):
        return frozenset(memories.keys() - named.keys())
    longer = linked({position: beside for position, beside in named.items() if beside})
    if len(longer) > 1:
        return max(longer, key=lambda group: (len(group), -min(group)))
    return frozenset(memories.keys() - plain)


def linked(words: Mapping[int, frozenset[str]]) -> list[frozenset[int]]:
    """Return the groups of memories that share words, directly or through others; *words* are those of each."""
    groups: list[tuple[frozenset[int], frozenset[str]]] = []
    for position, own in words.items():
        near = [group for group in groups if group[1] & own]
        groups = [group for group in groups if not group[1] & own]
        groups.append(
            (
                frozenset({position}).union(*(members for members, _ in near)),
                own.union(*(theirs for _, theirs in near)),
            )
        )
    return [members for members, _ in groups]


def _spelling(key: str, lines: Lines) -> tuple[bool | None, frozenset[str]]:
    """Return whether a word is written with a capital, None where it only begins sentences, and the names beside it."""
    capital: bool | None = None
    beside = set[str]()
    for line in lines:
        for at, word in enumerate(line):
            if word_key(word) != key:
                continue
            near = {
                word_key(line[other])
                for other in (at - 1, at + 1)
                if 0 < other < len(line) and _is_part_of_name(line[other])
            }
            if word[:1].islower():
                return False, frozenset()
            if word[:1].isupper() and (at or near):
                capital = True
                beside |= near
    return capital, frozenset(beside)


def _is_part_of_name(word: str) -> bool:
    return word[:1].isupper() and word.casefold() not in TITLES and names_subject(word.casefold())
