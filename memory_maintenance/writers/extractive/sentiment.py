"""The mood of a conversation, by the VADER lexicon."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, Literal

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from memory_maintenance.writers.extractive.salience import is_small_talk
from memory_maintenance.writers.language.cleaning import clean

Mood = Literal["positive", "neutral", "negative", "mixed"]

_CLEAR: Final = 0.4
"""Compound score, in [-1, 1], from which one text has a mood; VADER's own 0.05 calls "please check" positive."""

_SHARE: Final = 0.2
"""Share of the texts that must have a mood for the conversation to have it."""

_LONGEST: Final = 600
"""Characters read of one text: VADER takes the square of its length, and a log has no mood."""

_MOST: Final = 400
"""Texts read of one conversation, evenly spread."""


def mood(texts: Sequence[str]) -> Mood:
    """Return the mood of *texts* as a whole.

    Positive or negative when a fifth of the texts clearly are, mixed when both
    are and neither is three times as frequent. Greetings and thanks are manners
    and count only where there is nothing else.

    Source: Hutto and Gilbert, "VADER" (2014), for the score of one text.
    """
    said = [text for text in texts if not is_small_talk(text[:_LONGEST])] or texts
    scores = [_compound(text) for text in said[:: max(1, len(said) // _MOST)]]
    good = sum(score >= _CLEAR for score in scores)
    bad = sum(score <= -_CLEAR for score in scores)
    enough = _SHARE * len(scores)
    if good + bad < max(1.0, enough):
        return "neutral"
    if min(good, bad) * 3 > max(good, bad):
        return "mixed"
    return "positive" if good > bad else "negative"


def _compound(text: str) -> float:
    return float(_analyzer().polarity_scores(clean(text[:_LONGEST]))["compound"])


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
