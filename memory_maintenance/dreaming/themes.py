"""What recurs over memories, found without a model: subjects that several of them share, each with its evidence."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final
from uuid import UUID

from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.centrality import centrality, idf
from memory_maintenance.writers.extractive.gist import gist
from memory_maintenance.writers.extractive.key_terms import as_written, key_terms, names_subject
from memory_maintenance.writers.extractive.salience import salience
from memory_maintenance.writers.extractive.transcript import speakers
from memory_maintenance.writers.language.words import content_stems, sentences, stem, tokens

MOST_THEMES: Final = 5
_MOST_MEMORIES: Final = 400
_SPAN: Final = 6
"""Words within which two stems must stand to be one subject, and the longest name."""

_FEWEST_FOR_ONE_WORD: Final = 3
"""Memories that must share a single word for it to be a subject; two words need two."""

_LINKS: Final = frozenset(
    {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "without"}
)
"""Words that may stand between the naming words of a name."""

_CLAUSES: Final = re.compile(r"[;:,)\]}]+(?=\s)|[(\[{|=]| [-–—] ")

_SAME: Final = 0.5
"""Share of the smaller subject's memories above which two are one theme; half of it when they share a word."""

_COMMON: Final = 0.6
"""Share of a subject's memories that must hold a further word for it to belong into the name."""

_READ_WORDS: Final = 60
"""Words of one memory that are looked at: all of most, the gist of a long one."""

_QUOTES: Final = 3
_QUOTED_WORDS: Final = 28
_TAGS: Final = 4


@dataclass(frozen=True, slots=True)
class Theme:
    """A subject that at least two memories share.

    ``name`` and ``text`` are made of the memories' own words and dates; ``text``
    quotes the most telling of them in the order of time. ``support`` are the
    memories' ids, oldest first. ``importance`` is their mean undecayed
    importance and ``confidence`` s / (s + 2) for s different texts, both in [0, 1].
    """

    name: str
    text: str
    tags: tuple[str, ...]
    support: tuple[UUID, ...]
    importance: float
    confidence: float


@dataclass(frozen=True, slots=True)
class _Subject:
    """Stems that stand together in the memories at ``positions``."""

    stems: frozenset[str]
    positions: frozenset[int]
    strength: float


def recurring_themes(memories: Sequence[Memory]) -> tuple[Theme, ...]:
    """Return up to `MOST_THEMES` themes of *memories*, the strongest first; () when nothing recurs.

    The same memories, in any order, give the same themes. Of more than 400
    memories the most important are read. Nothing is concluded: a theme says what
    recurs and where.
    """
    foremost = sorted(memories, key=lambda memory: (-_importance(memory), memory.created_at, memory.id))[
        :_MOST_MEMORIES
    ]
    ordered = sorted(foremost, key=lambda memory: (memory.created_at, memory.id))
    spoken = [gist(memory.content, most_words=_READ_WORDS) for memory in ordered]
    words = _Words.of(spoken)
    subjects = _different(sorted(_subjects(words, ordered), key=lambda one: (-one.strength, sorted(one.stems))))
    return tuple(_theme(subject, words, ordered) for subject in subjects)


@dataclass(frozen=True, slots=True)
class _Words:
    """The memories' texts and their words by clause; ``naming`` holds, per text, the stems that may name a subject."""

    texts: Sequence[str]
    lines: Sequence[Sequence[Sequence[str]]]
    naming: Sequence[frozenset[str]]
    weights: Mapping[str, float]

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Words:
        silent = speakers(texts)
        lines = [
            [tokens(clause) for sentence in sentences(text) for clause in _CLAUSES.split(sentence)] for text in texts
        ]
        naming = [frozenset(stem(one) for line in of for one in line if names_subject(one, silent)) for of in lines]
        return cls(texts, lines, naming, idf([sorted(stems) for stems in naming]))

    def phrases(self, positions: Iterable[int]) -> Iterator[tuple[str, ...]]:
        """Yield what may name a subject: up to `_SPAN` naming words in a row, with or without links between them."""
        for position in positions:
            for line in self.lines[position]:
                yield from _phrases(line, self.naming[position])


def _subjects(words: _Words, memories: Sequence[Memory]) -> Iterator[_Subject]:
    holders: dict[frozenset[str], set[int]] = defaultdict(set)
    for position in range(len(memories)):
        for line in words.lines[position]:
            for stems in _together(line, words.naming[position]):
                holders[stems].add(position)
    nameable = {frozenset({stem(one[0]), stem(one[-1])}) for one in words.phrases(range(len(memories)))}
    for stems, positions in holders.items():
        different = len({words.texts[position] for position in positions})
        if stems in nameable and different >= (2 if len(stems) > 1 else _FEWEST_FOR_ONE_WORD):
            yield _Subject(stems, frozenset(positions), _strength(stems, positions, different, words, memories))


def _together(line: Sequence[str], naming: frozenset[str]) -> set[frozenset[str]]:
    """Return the naming stems of *line*, but for verbs in the past, and every pair within the span."""
    placed = [(index, stem(word)) for index, word in enumerate(line) if stem(word) in naming]
    found = {frozenset({name}) for index, name in placed if not line[index].endswith("ed")}
    for start, (index, name) in enumerate(placed):
        near = (other for at, other in placed[start + 1 : start + _SPAN] if at - index < _SPAN)
        found.update(frozenset({name, other}) for other in near)
    return found


def _strength(
    stems: frozenset[str], positions: set[int], different: int, words: _Words, memories: Sequence[Memory]
) -> float:
    """Return how strongly a subject recurs: rare words, many different texts, important memories."""
    rarity = sum(words.weights[one] for one in stems)
    return rarity * math.log2(different) * (0.3 + _mean_importance(memories[position] for position in positions))


def _different(subjects: Sequence[_Subject]) -> list[_Subject]:
    """Return the first subjects, each with memories of its own."""
    kept: list[_Subject] = []
    for subject in subjects:
        if len(kept) < MOST_THEMES and not any(_same(subject, other) for other in kept):
            kept.append(subject)
    return kept


def _same(one: _Subject, other: _Subject) -> bool:
    shared = len(one.positions & other.positions) / min(len(one.positions), len(other.positions))
    return shared > (_SAME / 2 if one.stems & other.stems else _SAME)


def _theme(subject: _Subject, words: _Words, memories: Sequence[Memory]) -> Theme:
    positions = sorted(subject.positions)
    name = _name(subject, words)
    texts = [words.texts[position] for position in positions]
    different = len(set(texts))
    return Theme(
        name=name,
        text=f"{name}: {_quotes([memories[position] for position in positions], subject.stems)}",
        tags=_tags(name, texts),
        support=tuple(memories[position].id for position in positions),
        importance=_mean_importance(memories[position] for position in positions),
        confidence=different / (different + 2),
    )


def _name(subject: _Subject, words: _Words) -> str:
    """Return the phrase of the memories that holds most of what they share in the fewest words, as they write it."""
    holding = [words.naming[position] for position in subject.positions]
    counted = Counter(name for naming in holding for name in naming)
    shared = subject.stems | {name for name, count in counted.items() if count > 1 and count >= _COMMON * len(holding)}
    phrases = Counter(one for one in words.phrases(subject.positions) if subject.stems <= set(map(stem, one)))
    best = max(phrases, key=lambda phrase: (_fitness(phrase, shared), phrases[phrase], phrase))
    return as_written(best, "\n".join(words.texts[position] for position in sorted(subject.positions)))


def _phrases(line: Sequence[str], naming: frozenset[str]) -> Iterator[tuple[str, ...]]:
    for first, start in enumerate(line):
        if stem(start) not in naming:
            continue
        for last in range(first, min(first + _SPAN, len(line))):
            if stem(line[last]) in naming:
                yield tuple(line[first : last + 1])
            elif line[last] not in _LINKS:
                break


def _fitness(phrase: tuple[str, ...], shared: frozenset[str]) -> float:
    """Return how many shared stems a phrase holds, less the words that only pad it."""
    padding = sum(0.4 if word in _LINKS else 1.0 for word in phrase if stem(word) not in shared)
    return len({stem(word) for word in phrase} & shared) - padding


def _quotes(supporting: Sequence[Memory], subject: frozenset[str]) -> str:
    """Return the most telling of different memories in the order of time, each behind its date."""
    texts = [_quoted(memory.content, subject) for memory in supporting]
    ranks = centrality([content_stems(text) for text in texts])
    worth = [
        (0.5 + float(rank)) * salience(text) * (0.4 + _importance(memory))
        for rank, text, memory in zip(ranks, texts, supporting, strict=True)
    ]
    first = {text: index for index, text in reversed(list(enumerate(texts)))}
    chosen = sorted(first.values(), key=lambda index: (-worth[index], index))[:_QUOTES]
    return " ".join(f"{supporting[index].created_at.date().isoformat()}: {texts[index]}" for index in sorted(chosen))


def _quoted(content: str, subject: frozenset[str]) -> str:
    """Return the gist of the sentences that name the subject."""
    said = [
        sentence
        for sentence in sentences(gist(content, most_words=_READ_WORDS))
        if subject & {*content_stems(sentence)}
    ]
    return gist("\n".join(said), most_words=_QUOTED_WORDS)


def _tags(name: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the name and key terms of the memories that add to it."""
    told = set(content_stems(name))
    further = [term for term in key_terms(texts, most=_TAGS + 2) if not told & set(content_stems(term))]
    return (name, *further)[:_TAGS]


def _mean_importance(memories: Iterable[Memory]) -> float:
    return fmean(map(_importance, memories))


def _importance(memory: Memory) -> float:
    """Return the importance; one outside of [0, 1] counts as its nearest end, and one that is no number as 0.5."""
    return min(1.0, max(0.0, memory.importance)) if math.isfinite(memory.importance) else 0.5
