"""What memories of several sessions or days have in common: naming words that stand together in them."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from memory_maintenance.dreaming.senses import of_one_sense
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.cues import UNITS
from memory_maintenance.writers.extractive.examples import is_row
from memory_maintenance.writers.extractive.naming import names_subject
from memory_maintenance.writers.extractive.rarity import Background, word_key
from memory_maintenance.writers.extractive.salience import is_machine_output, is_padding, is_small_talk
from memory_maintenance.writers.extractive.transcript import BRIEF, Transcript, Utterance
from memory_maintenance.writers.language.languages import Language, language_of_all
from memory_maintenance.writers.language.segmentation import is_unspaced, segments
from memory_maintenance.writers.language.words import word_count

SPAN: Final = 6
"""Words within which two naming words must stand to be one subject, and the longest name."""

_FEWEST_FOR_ONE_WORD: Final = 3
"""Memories, and sessions or days, that must share a plain word for it to name a subject; two words or a name: two."""

_ONE_PLAIN_WORD: Final = 0.25
"""How much a single word in lower case is worth as a theme beside a name or a phrase."""

_EVERYWHERE: Final = 0.5
"""Share of all memories that hold a word from which on it names nothing, in forty memories or more."""

_COMPANY: Final = 2
"""Further words that the memories of two words must share where these do not stand side by side."""

_MATERIAL: Final = 100
"""Words of a user's message to an assistant from which on it is a text that he hands over."""

_ENOUGH_TO_TELL: Final = 40

LINKS: Final = frozenset(
    {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "without"}
    | {"de", "la", "le", "les", "du", "des", "el", "los", "las", "del", "der", "die", "das", "und", "von", "w", "na"}
)
"""Words that may stand between the naming words of a name."""


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
                if not ((answered and turn.role == "assistant" and len(turn.sentences) > BRIEF) or _is_material(turn))
                for one in turn.sentences
                if not (is_small_talk(one) or is_padding(one) or is_row(one) or is_machine_output(one))
            ]
            for message in transcript.messages
        ]
        words = [[segments(one) for one in own] for own in sentences]
        naming = [
            frozenset(word_key(word) for line in own for word in line if names_subject(word.casefold(), silent))
            for own in words
        ]
        return cls(memories, transcript, sentences, words, naming, silent, language_of_all(transcript.texts))


def _is_material(turn: Utterance) -> bool:
    return turn.role == "user" and sum(map(word_count, turn.sentences)) > _MATERIAL


def subjects_of(read: ReadMemories, background: Background) -> Iterator[Subject]:
    """Yield what recurs: shared by different memories of two sessions or days, and rare enough to name something."""
    holders: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    capital, small = Counter[str](), Counter[str]()
    for position, lines in enumerate(read.words):
        for line in lines:
            for together in _together(line, read.silent):
                holders[together].add(position)
            capital.update(word_key(word) for word in line[1:] if word[:1].isupper())
            small.update(word_key(word) for word in line[1:] if word[:1].islower())
    capital = Counter({key: count for key, count in capital.items() if count > small[key]})
    held = Counter(key for naming in read.naming for key in naming)
    many = len(read.memories) >= _ENOUGH_TO_TELL
    for keys, held_by in _whatever_the_order(holders, read, many=many):
        if many and _is_plain(keys, capital):
            continue  # "mix", "track": among many memories a plain word comes back by chance
        common = many and any(held[key] > _EVERYWHERE * len(read.memories) for key in keys)
        positions = _positions(keys, held_by, read)
        if common or any(background.is_everywhere(key) for key in keys) or not _recurs(positions, read):
            continue
        different = len({tuple(read.sentences[position]) for position in positions})
        occasions = len({occasion(read.memories[position]) for position in positions})
        if min(different, occasions) >= _fewest(keys, capital, alone=many and not _has_company(keys, positions, read)):
            rarity = sum(
                math.log((len(read.memories) + 1) / (held[key] + 0.5)) * background.rarity(key) for key in keys
            )
            often = math.log2(different) * math.log2(1 + occasions)
            weight = 0.3 + mean_importance(read.memories[position] for position in positions)
            alone = _ONE_PLAIN_WORD if _is_plain(keys, capital) else 1.0
            yield Subject(keys, frozenset(positions), max(rarity, 0.01) * often * weight * alone)


def _is_plain(keys: frozenset[str], capital: Counter[str]) -> bool:
    """Whether *keys* are one word that is neither a name nor of a script without spaces."""
    return len(keys) == 1 and not any(capital[key] or is_unspaced(key) for key in keys)


def _positions(keys: frozenset[str], held_by: AbstractSet[int], read: ReadMemories) -> AbstractSet[int]:
    """Return the memories that share *keys*: of a single word, those that use it in one sense."""
    if len(keys) > 1 or len(held_by) < 2:  # noqa: PLR2004
        return held_by
    (key,) = keys
    return of_one_sense(
        key, {at: [line for line in read.words[at] if key in map(word_key, line)] for at in sorted(held_by)}
    )


def _whatever_the_order(
    holders: Mapping[tuple[str, ...], set[int]], read: ReadMemories, *, many: bool
) -> Iterator[tuple[frozenset[str], set[int]]]:
    """Yield words and the memories that hold them; among many, two words only where they are a phrase.

    "Schedule a home insurance" and "my phone's home screen and scheduling" have two words in common by chance.
    """
    for words, held_by in holders.items():
        other = holders.get(words[::-1], set()) if len(words) > 1 else set[int]()
        if not many or len(words) == 1 or _is_phrase(words, held_by, read):
            yield frozenset(words), held_by | other


def _is_phrase(words: Sequence[str], held_by: AbstractSet[int], read: ReadMemories) -> bool:
    """Whether the order of two words recurs, and either side by side or with further words beside them."""
    if not _recurs(held_by, read):
        return False
    if _recurs((at for at in held_by if _side_by_side(words, read.words[at])), read):
        return True
    return _has_company(words, held_by, read)


def _has_company(words: Iterable[str], held_by: AbstractSet[int], read: ReadMemories) -> bool:
    """Whether the memories of *words* have further words in common."""
    beside = frozenset[str]().union(*(read.naming[at] for at in held_by)).difference(words)
    return sum(_recurs((at for at in held_by if word in read.naming[at]), read) for word in beside) >= _COMPANY


def _side_by_side(words: Sequence[str], lines: Iterable[Sequence[str]]) -> bool:
    """Whether two words follow each other with nothing but links between them."""
    for line in lines:
        words_of_line = [word_key(word) for word in line if word.lower() not in LINKS]
        if any(tuple(words) == pair for pair in itertools.pairwise(words_of_line)):
            return True
    return False


def _fewest(keys: frozenset[str], capital: Counter[str], *, alone: bool) -> int:
    """Return how many different memories must share a subject: two words say more than one, and a name than a word.

    A name *alone*, with nothing else that two of many memories share, may come back by chance.
    """
    (first, *others) = keys
    telling = others or (not alone and capital[first] > 1) or is_unspaced(first)
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
