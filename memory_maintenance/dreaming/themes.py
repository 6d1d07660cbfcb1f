"""What recurs over memories, found without a model: subjects that memories of several sessions or days share."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from memory_maintenance.dreaming.policy import is_same_theme
from memory_maintenance.dreaming.subjects import (
    LINKS,
    SPAN,
    ReadMemories,
    Subject,
    importance_of,
    mean_importance,
    occasion,
    subjects_of,
)
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.antecedents import with_antecedents
from memory_maintenance.writers.extractive.cues import REQUEST
from memory_maintenance.writers.extractive.gist import closed, shortened
from memory_maintenance.writers.extractive.key_terms import as_written, terms_of
from memory_maintenance.writers.extractive.plain_text import without_opening
from memory_maintenance.writers.extractive.rarity import NO_BACKGROUND, Background, word_key
from memory_maintenance.writers.extractive.salience import is_small_talk, salience
from memory_maintenance.writers.extractive.transcript import Transcript
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.language.segmentation import is_unspaced, segments
from memory_maintenance.writers.language.words import sentences, word_count

MOST_THEMES: Final = 5
WINDOW: Final = timedelta(days=45)
"""How long before the newest memory a theme's evidence may lie."""

_MOST_MEMORIES: Final = 400
_ENOUGH_SESSIONS: Final = 20
"""Sessions from which on a background shows what is common: of few, a theme may well be in most."""

_QUOTES: Final = 3
_FEWEST_OCCASIONS: Final = 2
_QUOTED_WORDS: Final = 28
_FEW_WORDS: Final = 12
_REQUEST: Final = 0.5
"""Worth of a request as a quote: it says little about the user."""

_TAGS: Final = 4


@dataclass(frozen=True, slots=True)
class Theme:
    """A subject that memories of at least two sessions or days share.

    ``name`` holds no naming word that not all of them share; ``text`` quotes the most telling of them in the
    order of time, with their speakers and dates. ``support`` are the memories' ids, oldest first.
    ``importance`` is their mean undecayed importance and ``confidence`` s / (s + 2) for s different texts,
    both in [0, 1]. ``keys`` say what the theme is about whatever it is called, so that it can be found again.
    """

    name: str
    text: str
    tags: tuple[str, ...]
    support: tuple[UUID, ...]
    importance: float
    confidence: float
    keys: frozenset[str]


def recurring_themes(
    memories: Sequence[Memory], *, background: Background = NO_BACKGROUND, window: timedelta = WINDOW
) -> tuple[Theme, ...]:
    """Return up to `MOST_THEMES` themes of *memories*, the strongest first; () when nothing recurs.

    The same memories, in any order, give the same themes. Of more than 400
    memories the most important are read. Nothing is concluded: a theme says what
    recurs and where. What one session or day says of itself does not recur.

    Args:
        memories: of one project.
        background: in how many of the tenant's sessions each word stands; what is everywhere names nothing.
        window: how long before the newest memory evidence may lie.
    """
    newest = max((memory.created_at for memory in memories), default=None)
    recent = [memory for memory in memories if newest is not None and memory.created_at >= newest - window]
    foremost = sorted(recent, key=lambda memory: (-importance_of(memory), memory.created_at, memory.id))[
        :_MOST_MEMORIES
    ]
    read = ReadMemories.of(sorted(foremost, key=lambda memory: (memory.created_at, memory.id)))
    known = background if background.sessions >= _ENOUGH_SESSIONS else NO_BACKGROUND
    found = sorted(subjects_of(read, known), key=lambda one: (-one.strength, sorted(one.keys)))
    themes: list[tuple[Subject, Theme]] = []
    quoted: set[str] = set()
    for subject in found:
        if len(themes) < MOST_THEMES and not any(
            is_same_theme(subject.keys, subject.positions, other.keys, other.positions) for other, _ in themes
        ):
            positions = sorted(subject.positions)
            chosen = _quotes(subject, positions, read, quoted)
            if chosen:
                quoted.update(quote for _, quote in chosen)
                themes.append((subject, _theme(subject, positions, chosen, read)))
    return tuple(theme for _, theme in themes)


def _theme(subject: Subject, positions: Sequence[int], chosen: Sequence[tuple[int, str]], read: ReadMemories) -> Theme:
    own = [read.memories[position] for position in positions]
    name = _name(subject, read)
    different = len({tuple(read.sentences[position]) for position in positions})
    return Theme(
        name=name,
        text=f"{name}: {_dated(chosen, read)}",
        tags=_tags(name, subject, read),
        support=tuple(memory.id for memory in own),
        importance=mean_importance(own),
        confidence=different / (different + 2),
        keys=subject.keys,
    )


def _name(subject: Subject, read: ReadMemories) -> str:
    """Return the phrase of the memories that holds most of what all of them share, as they write it."""
    shared = frozenset.intersection(*(read.naming[position] for position in subject.positions))
    phrases = Counter(
        phrase
        for position in subject.positions
        for line in read.words[position]
        for phrase in _phrases(line, shared)
        if subject.keys & {word_key(word) for word in phrase}
    )
    if not phrases:
        words = sorted(subject.keys)
        return as_written(words[:1], "\n".join(one for at in sorted(subject.positions) for one in read.sentences[at]))
    best = max(phrases, key=lambda phrase: (len(_naming(phrase, shared)) - 0.1 * len(phrase), phrases[phrase], phrase))
    if is_unspaced(best[0]):
        return "".join(best)
    text = "\n".join(one for position in sorted(subject.positions) for one in read.sentences[position])
    return as_written([word.lower() for word in best], text)


def _naming(phrase: Sequence[str], shared: frozenset[str]) -> frozenset[str]:
    return frozenset(word_key(word) for word in phrase) & shared


def _phrases(line: Sequence[str], shared: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Yield runs of words that all memories share, with links between them: ``refund for the blue tent``."""
    for first, start in enumerate(line):
        if word_key(start) not in shared:
            continue
        for last in range(first, min(first + SPAN, len(line))):
            if word_key(line[last]) in shared and (is_unspaced(line[last]) == is_unspaced(start)):
                yield tuple(line[first : last + 1])
            elif line[last].lower() not in LINKS:
                break


def _quotes(
    subject: Subject, positions: Sequence[int], read: ReadMemories, elsewhere: AbstractSet[str]
) -> list[tuple[int, str]]:
    """Return the latest and the most telling memories in the order of time, but for those quoted *elsewhere*.

    Empty where fewer than two occasions state something that no other theme quotes.
    """
    stated = set[str]()
    worth: dict[str, tuple[float, int]] = {}
    for position in positions:
        quoted = _quoted(subject, position, read)
        if not quoted or quoted in elsewhere:
            continue
        if not _is_question(quoted):
            stated.add(occasion(read.memories[position]))
        asks = _REQUEST if REQUEST.search(quoted.lower()) else 1.0
        value = asks * salience(quoted) * (0.4 + importance_of(read.memories[position]))
        worth.setdefault(quoted, (value, position))
    if len(stated) < _FEWEST_OCCASIONS:
        return []
    latest = occasion(read.memories[positions[-1]])
    chosen: list[tuple[int, str]] = []
    days: set[str] = set()
    # That it comes back is what makes it a theme, and how things stand what a reader wants: one of each occasion, of
    # the latest first. A question says nothing of how they stand.
    for quoted, (_, position) in sorted(
        worth.items(),
        key=lambda item: (
            _is_question(item[0]),
            occasion(read.memories[item[1][1]]) != latest,
            -item[1][0],
            item[1][1],
        ),
    ):
        day = occasion(read.memories[position])
        if len(chosen) < _QUOTES and (day not in days or len(worth) <= _QUOTES):
            chosen.append((position, quoted))
            days.add(day)
    return sorted(chosen)


def _is_question(quoted: str) -> bool:
    return all(one.endswith(("?", "？")) for one in sentences(quoted))


def _dated(chosen: Sequence[tuple[int, str]], read: ReadMemories) -> str:
    dated = [(read.memories[position].created_at.date().isoformat(), quoted) for position, quoted in chosen]
    return " ".join(
        f"{day}: {' '.join(quoted for _, quoted in quotes)}"
        for day, quotes in itertools.groupby(dated, key=lambda one: one[0])
    )


def _quoted(subject: Subject, position: int, read: ReadMemories) -> str:
    """Return the sentences of a memory that name the subject, with who says them and their dates resolved.

    What is said in a few words has the next sentence with it.
    """
    memory = read.memories[position]
    parts: list[str] = []
    left = _QUOTED_WORDS
    for turn in read.transcript.messages[position]:
        lines = with_antecedents([without_opening(one) for one in turn.sentences if one in read.sentences[position]])
        naming = [bool(subject.keys & set(map(word_key, segments(one)))) for one in lines]
        said = False
        for at, sentence in enumerate(lines):
            follows = at > 0 and naming[at - 1] and word_count(lines[at - 1]) <= _FEW_WORDS
            if not (naming[at] or (follows and not is_small_talk(sentence))):
                continue
            dated = with_dates(shortened(sentence, _QUOTED_WORDS), memory.created_at, read.language)
            if (parts or not naming[at]) and word_count(dated) > left:
                continue
            left -= word_count(dated)
            parts.append((f"{turn.speaker}: " if turn.speaker and not said else "") + closed(dated))
            said = True
    return " ".join(parts)


def _tags(name: str, subject: Subject, read: ReadMemories) -> tuple[str, ...]:
    """Return the name and key terms of the memories that add to it."""
    positions = sorted(subject.positions)
    own = Transcript(
        tuple(read.transcript.texts[position] for position in positions),
        tuple(read.transcript.messages[position] for position in positions),
        read.transcript.speakers,
    )
    told = set(map(word_key, segments(name)))
    further = terms_of(own, most=_TAGS + 2, background=NO_BACKGROUND)
    return (name, *(term for term in further if not told & set(map(word_key, segments(term)))))[:_TAGS]
