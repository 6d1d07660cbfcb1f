"""A session's summary without a model: its most telling sentences, in the order of time, with their speakers and dates.

Grounded by construction: every word, number and date is in an event, is an event's own date, or is the
date of what an event says relative to it ("tomorrow [2026-11-21]").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.candidates import Sentence, candidates, plain_talk
from memory_maintenance.summarization.choosing import chosen, siblings_left_out
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.writers.extractive.gist import closed
from memory_maintenance.writers.extractive.key_terms import terms_of
from memory_maintenance.writers.extractive.phrases import and_more_like_this
from memory_maintenance.writers.extractive.rarity import NO_BACKGROUND, Background
from memory_maintenance.writers.extractive.sentiment import mood_of
from memory_maintenance.writers.extractive.transcript import Transcript
from memory_maintenance.writers.language.languages import Language, language_of_all
from memory_maintenance.writers.language.words import word_count

LONG_SESSION = 40
"""Events from which on the first fifth of a session may fill no more than a fifth of its summary."""

_GAP = re.compile(r"([。！？]) ")
"""Scripts without spaces have none between their sentences either."""

_ROOM_FOR_COUNTS = 10
_FEWEST_WORDS = 190
_MOST_WORDS = 300
_SHARE_OF_WORDS = 0.5
_FEWEST_TOPICS = 7
_MOST_TOPICS = 10
_WORDS_PER_TOPIC = 20


def extractive_summary(
    events: Sequence[Memory], *, max_words: int | None = None, background: Background = NO_BACKGROUND
) -> SessionSummaryResponse:
    """Return a summary of *events* that is made of their own sentences. The same events give the same summary.

    Chosen for what a sentence states (decisions, causes, money, figures, dates), how rare its words are and how
    central it is, from each fifth of the session; a later correction takes the place of what it corrects, and
    facts of one kind that find no room are counted.

    Args:
        events: the session's memories, in any order; small talk is never chosen
            unless there is nothing else.
        max_words: the length of the summary, dates and speakers included; None: half of what is
            said, within 190 and 300.
        background: how many of the tenant's other sessions hold each word.

    Raises:
        ValueError: *events* is empty, or *max_words* is below 1.
    """
    if not events or (max_words is not None and max_words < 1):
        raise ValueError("a summary needs at least one event and one word")
    ordered = sorted(events, key=lambda event: (event.created_at, event.id))
    contents = [event.content for event in ordered]
    language = language_of_all(contents)
    transcript = Transcript.of(contents, [event.metadata for event in ordered])
    found = candidates(ordered, transcript, language, background)
    words = max_words or budget(found)
    kept = chosen(found, words - _counts_room(words), long=len(ordered) >= LONG_SESSION)
    summary = _composed(kept, found, words, language) or plain_talk(ordered, words)
    most_topics = min(_MOST_TOPICS, max(_FEWEST_TOPICS, word_count(summary) // _WORDS_PER_TOPIC))
    return SessionSummaryResponse(
        summary=summary,
        key_topics=terms_of(transcript, most=most_topics, background=background),
        sentiment=mood_of(transcript),
    )


def budget(found: Sequence[Sentence]) -> int:
    """Return the words of a summary of a session with these sentences."""
    said = sum(one.words for one in found)
    return min(_MOST_WORDS, max(_FEWEST_WORDS, int(_SHARE_OF_WORDS * said)))


def _counts_room(words: int) -> int:
    """Return the words that are kept free for counting what is not told."""
    return _ROOM_FOR_COUNTS if words >= _FEWEST_WORDS else 0


def _composed(kept: Sequence[Sentence], found: Sequence[Sentence], max_words: int, language: Language | None) -> str:
    """Return the sentences: each day behind its date, each speaker behind his label, each kind with its rest.

    Where a passage without a speaker follows one with a speaker, the date is repeated: what follows a name is its own.
    """
    texts = {one: closed(one.text) for one in kept}
    plain = _joined(kept, texts)
    left = max_words - word_count(plain)
    for one, count in siblings_left_out(kept, found).items():
        more = f"({and_more_like_this(count, language)})"
        left -= word_count(more)
        if left >= 0:
            texts[one] = f"{texts[one]} {more}"
    return _joined(kept, texts)


def _joined(kept: Sequence[Sentence], texts: Mapping[Sentence, str]) -> str:
    """Return a line for each day and each change of the speaker."""
    lines: list[str] = []
    for date, of_day in itertools.groupby(kept, key=lambda one: one.date):
        spoken: str | None = None
        begins, last = True, 0
        for (speaker, answered_by, _), own in itertools.groupby(
            of_day, key=lambda one: (one.speaker, one.answered_by, one.turn)
        ):
            turn = list(own)
            said = _GAP.sub(r"\1", " ".join(texts[one] for one in turn))
            # A label stands once for successive turns of one speaker. Users may be several.
            goes_on = speaker == spoken and (turn[0].role != "user" or turn[0].turn == last + 1)
            labelled = f"{speaker}: {said}" if speaker and not goes_on else said
            if begins or (speaker is None and spoken is not None):
                lines.append(f"{date}: {labelled}")
            elif labelled != said:
                lines.append(labelled)
            else:
                lines[-1] = f"{lines[-1]} {said}"
            spoken, last, begins = answered_by or speaker, turn[0].turn, False
    return "\n".join(lines)
