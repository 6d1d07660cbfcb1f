"""The mood of a conversation, where it can be judged and is clear: by the VADER lexicon, in English."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import Final, Literal, get_args

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from memory_maintenance.writers.extractive.salience import is_padding, is_small_talk
from memory_maintenance.writers.extractive.transcript import Transcript
from memory_maintenance.writers.language.languages import language_of_all

Mood = Literal["positive", "neutral", "negative", "mixed"]

_CLEAR: Final = 0.5
"""Compound score, in [-1, 1], from which one sentence has a mood; VADER's own 0.05 calls "please check" positive."""

_LEANS: Final = 0.05
"""Compound score from which VADER's authors call a text positive; for the name of a mood that is enough."""

_SHARE: Final = 0.5
"""Share of the sentences that must have a mood for the conversation to have it."""

_LONGEST: Final = 600
"""Characters read of one text: VADER takes the square of its length, and a log has no mood."""

_MOST: Final = 200
"""Sentences read of one conversation, evenly spread."""


def mood_of(transcript: Transcript) -> Mood:
    """Return the mood of a conversation as a whole; neutral where it is not English, or not clear.

    Positive or negative when half of what people state clearly is, mixed
    when both are and neither is three times as frequent. Greetings, thanks and
    wishes are manners, questions ask, and an assistant has no mood: they count
    only where there is nothing else.

    Source: Hutto and Gilbert, "VADER" (2014), for the score of one sentence.
    """
    texts = transcript.texts
    if language_of_all(texts) not in ("en", None) or not all(
        map(str.isascii, filter(str.isalpha, "".join(texts)[:200]))
    ):
        return "neutral"
    everything = [one for message in transcript.messages for turn in message for one in turn.sentences]
    said = _stated(transcript) or everything
    scores = [_compound(one[:_LONGEST]) for one in said[:: max(1, len(said) // _MOST)]]
    good = sum(score >= _CLEAR for score in scores)
    bad = sum(score <= -_CLEAR for score in scores)
    if good + bad < max(1.0, _SHARE * len(scores)):
        return "neutral"
    if min(good, bad) * 3 > max(good, bad):
        return "mixed"
    return "positive" if good > bad else "negative"


def nearest_mood(said: object) -> Mood:
    """Return the mood that is nearest to what a model calls it: ``"somewhat optimistic"`` is positive.

    Both positive and negative is mixed; a word that leans to neither side is neutral.
    """
    words = re.findall(r"[a-z]+", str(said)[:_LONGEST].lower())
    named = {mood for mood in get_args(Mood) if mood in words}
    if "mixed" in named or named >= {"positive", "negative"}:
        return "mixed"
    score = _compound(" ".join(words))
    if abs(score) >= _LEANS:
        return "positive" if score > 0 else "negative"
    misspelt = [mood for word in words for mood in get_close_matches(word, get_args(Mood), n=1, cutoff=0.8)]
    nearest: Mood = misspelt[0] if misspelt else "neutral"
    return nearest


def _stated(transcript: Transcript) -> list[str]:
    return [
        sentence
        for message in transcript.messages
        for turn in message
        if turn.role not in ("assistant", "tool")
        for sentence in turn.sentences
        if not (sentence.rstrip().endswith("?") or is_padding(sentence) or is_small_talk(sentence))
    ]


def _compound(text: str) -> float:
    return float(_analyzer().polarity_scores(text)["compound"])


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
