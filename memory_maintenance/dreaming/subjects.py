"""What memories of several sessions or days have in common: naming words that stand together in them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from memory_maintenance.dreaming.senses import linked, of_one_sense
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.cues import UNITS
from memory_maintenance.writers.extractive.key_terms import names_subject
from memory_maintenance.writers.extractive.rarity import Background, word_key
from memory_maintenance.writers.extractive.salience import is_padding, is_small_talk
from memory_maintenance.writers.extractive.transcript import BRIEF, Transcript
from memory_maintenance.writers.language.languages import Language, language_of_all
from memory_maintenance.writers.language.segmentation import is_unspaced, segments

SPAN: Final = 6
"""Words within which two naming words must stand to be one subject, and the longest name."""

_FEWEST_FOR_ONE_WORD: Final = 3
"""Memories, and sessions or days, that must share a plain word for it to name a subject; two words or a name: two."""

_ONE_PLAIN_WORD: Final = 0.25
"""How much a single word in lower case is worth as a theme beside a name or a phrase."""

_EVERYWHERE: Final = 0.5
"""Share of all memories that hold a word from which on it names nothing, in thirty memories or more."""

_ENOUGH_TO_TELL: Final = 30
_RARE: Final = 0.05
"""Share of all memories up to which a word beside another one says what that means."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Naming words that stand together in the memories at ``positions``."""

    keys: frozenset[str]
    positions: frozenset[int]
    strength: float


@dataclass(frozen=True, slots=True)
class ReadMemories:
    """The memories as they are compared: by memory its sentences, and their words in order."""

    memories: Sequence[Memory]
    transcript: Transcript
    sentences: Sequence[Sequence[str]]
    words: Sequence[Sequence[Sequence[str]]]
    naming: Sequence[frozenset[str]]
    silent: frozenset[str]
    language: Language | None

    @classmethod
    def of(cls, memories: Sequence[Memory]) -> ReadMemories:
        """Read *memories*, oldest first."""
        transcript = Transcript.of([memory.content for memory in memories], [memory.metadata for memory in memories])
        silent = UNITS.union(part for name in transcript.speakers for part in name.split())
        # What an assistant explains at length is no part of its user's life; what it states in brief may be.
        answered = {turn.role for message in transcript.messages for turn in message} >= {"user", "assistant"}
        sentences = [
            [
                one
                for turn in message
                if not (answered and turn.role == "assistant" and len(turn.sentences) > BRIEF)
                for one in turn.sentences
                if not (is_small_talk(one) or is_padding(one))
            ]
            for message in transcript.messages
        ]
        words = [[segments(one) for one in own] for own in sentences]
        naming = [
            frozenset(word_key(word) for line in own for word in line if names_subject(word.casefold(), silent))
            for own in words
        ]
        return cls(memories, transcript, sentences, words, naming, silent, language_of_all(transcript.texts))


def subjects_of(read: ReadMemories, background: Background) -> Iterator[Subject]:
    """Yield what recurs: shared by different memories of two sessions or days, and rare enough to name something."""
    holders: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    capital: Counter[str] = Counter()
    for position, lines in enumerate(read.words):
        for line in lines:
            for together in _together(line, read.silent):
                holders[together].add(position)
            capital.update(word_key(word) for word in line[1:] if word[:1].isupper())
    held = Counter(key for naming in read.naming for key in naming)
    many = len(read.memories) >= _ENOUGH_TO_TELL
    for keys, held_by in _whatever_the_order(holders, read, many=many):
        positions = (
            _of_one_sense(next(iter(keys)), held_by, read, capital=capital, held=held)
            if len(keys) == 1 and len(held_by) > 1
            else held_by
        )
        common = many and any(held[key] > _EVERYWHERE * len(read.memories) for key in keys)
        if common or any(background.is_everywhere(key) for key in keys) or not _recurs(positions, read):
            continue
        different = len({tuple(read.sentences[position]) for position in positions})
        occasions = len({occasion(read.memories[position]) for position in positions})
        if min(different, occasions) >= _fewest(keys, capital):
            rarity = sum(
                math.log((len(read.memories) + 1) / (held[key] + 0.5)) * background.rarity(key) for key in keys
            )
            spread = math.log2(1 + occasions)
            alone = (
                _ONE_PLAIN_WORD if len(keys) == 1 and not any(capital[key] or is_unspaced(key) for key in keys) else 1.0
            )
            weight = 0.3 + mean_importance(read.memories[position] for position in positions)
            yield Subject(
                keys, frozenset(positions), max(rarity, 0.01) * math.log2(different) * spread * weight * alone
            )


def _whatever_the_order(
    holders: Mapping[tuple[str, ...], set[int]], read: ReadMemories, *, many: bool
) -> Iterator[tuple[frozenset[str], set[int]]]:
    """Yield words and the memories that hold them; among many, two words are a phrase where one order recurs.

    "Schedule a home insurance" and "my phone's home screen and scheduling" have two words in common by chance.
    """
    for words, held_by in holders.items():
        other = holders.get(words[::-1], set()) if len(words) > 1 else set[int]()
        if not (many and len(words) > 1) or _recurs(held_by, read):
            yield frozenset(words), held_by | other


def _of_one_sense(
    key: str, positions: Iterable[int], read: ReadMemories, *, capital: Counter[str], held: Counter[str]
) -> AbstractSet[int]:
    """Return where a word has one sense; among many memories, a plain word only beside another rare one they share."""
    lines = {at: [line for line in read.words[at] if key in map(word_key, line)] for at in sorted(positions)}
    kept = of_one_sense(key, lines)
    if len(read.memories) < _ENOUGH_TO_TELL or is_unspaced(key) or capital[key]:
        return kept
    rare = {word for word, count in held.items() if count <= _RARE * len(read.memories)} - {key}
    beside = {at: frozenset(word_key(word) for line in lines[at] for word in line) & rare for at in kept}
    return max(linked(beside), key=lambda group: (len(group), -min(group)))


def _fewest(keys: frozenset[str], capital: Counter[str]) -> int:
    """Return how many different memories must share a subject: two words, or a name, say more than a plain word."""
    (first, *others) = keys
    telling = others or capital[first] > 1 or is_unspaced(first)
    return 2 if telling else _FEWEST_FOR_ONE_WORD


def _recurs(positions: Iterable[int], read: ReadMemories) -> bool:
    """Whether memories come from two sessions, or from two days where a session is not given."""
    return len({occasion(read.memories[position]) for position in positions}) > 1


def occasion(memory: Memory) -> str:
    """Return the session and the day of a memory, the day alone where no session is said."""
    day = memory.created_at.date().isoformat()
    return f"{memory.session_id} {day}" if memory.session_id else day


def _together(line: Sequence[str], silent: frozenset[str]) -> set[tuple[str, ...]]:
    """Return the naming words of *line*, but for English verbs alone, and every pair within the span."""
    placed = [(at, word_key(word)) for at, word in enumerate(line) if names_subject(word.casefold(), silent)]
    found: set[tuple[str, ...]] = {(name,) for at, name in placed if not line[at].endswith(("ed", "ing"))}
    for start, (at, name) in enumerate(placed):
        end = next((there for there in range(at, len(line)) if not line[there][0].isalnum()), at + SPAN)
        near = (other for there, other in placed[start + 1 : start + SPAN] if there < min(end, at + SPAN))
        found.update((name, other) for other in near if other != name)
    return found


def mean_importance(memories: Iterable[Memory]) -> float:
    """Return the mean undecayed importance, in [0, 1]."""
    return fmean(map(importance_of, memories))


def importance_of(memory: Memory) -> float:
    """Return the importance; one outside of [0, 1] counts as its nearest end, and one that is no number as 0.5."""
    return min(1.0, max(0.0, memory.importance)) if math.isfinite(memory.importance) else 0.5
