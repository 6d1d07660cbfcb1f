"""What one text says, in a few of its own sentences: small talk, padding and the bulk of a pasted log left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from memory_maintenance.writers.extractive.salience import is_small_talk, salience
from memory_maintenance.writers.language.words import content_stems, longest_run, sentences, word_count

_LONGEST_RUN: Final = 60
"""Characters without a blank that a reader can do something with: a path or an address, no encoded file."""

_MOST_SENTENCES: Final = 300
"""Sentences that are read of one text, evenly spread: those of a log repeat each other."""

_MOST_CHARACTERS: Final = 40_000
"""Characters that are read of one text, half from its beginning and half from its end."""

_OPENING_BONUS: Final = 1.5
"""The first sentence of a long text tends to say what the rest is."""

_MARKUP: Final = re.compile(r"^(?:[-*•>#`=|]+ +|`{3}.*$)")


def gist(text: str, *, most_words: int = 40, small_talk: bool = False) -> str:
    """Return at most *most_words* words of *text*: all of a short one, the most central sentences of a long one.

    One line, every sentence closed; a sentence that is too long alone ends in
    an ellipsis. Empty when *text* has nothing but small talk and symbols, or
    nothing but symbols when *small_talk* is wanted too.
    """
    readable = (sentence for sentence in map(_readable, sentences(_ends(text))) if any(map(str.isalnum, sentence)))
    said = [sentence for sentence in readable if small_talk or not is_small_talk(sentence)]
    if sum(map(word_count, said)) > most_words:
        said = _most_central(said[:: -(-len(said) // _MOST_SENTENCES)], most_words)
    return " ".join(map(_closed, said))


def _ends(text: str) -> str:
    """Return *text*, or the two ends of a very long one, cut between words."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return re.sub(r"\S+\Z", "", text[:half]) + "\n" + re.sub(r"\A\S+", "", text[-half:])


def _readable(sentence: str) -> str:
    words = _MARKUP.sub("", sentence).split()
    return " ".join(word if longest_run(word) <= _LONGEST_RUN else "…" for word in words)


def _most_central(said: Sequence[str], most_words: int) -> list[str]:
    """Return the best sentences that fit, in their order, of those that differ only in figures the best."""
    stems = [tuple(stem for stem in content_stems(sentence) if not stem.isdigit()) for sentence in said]
    scores = _scores(said, stems)
    kept: dict[int, str] = {}
    left = most_words
    for index in sorted(range(len(said)), key=lambda i: (-scores[i], i)):
        sentence = said[index] if kept else shortened(said[index], most_words)
        if word_count(sentence) <= left and stems[index] not in {stems[other] for other in kept}:
            kept[index] = sentence
            left -= word_count(sentence)
    return [kept[index] for index in sorted(kept)]


def _scores(said: Sequence[str], stems: Sequence[tuple[str, ...]]) -> list[float]:
    """Return salience times the mean frequency of a sentence's stems, each counted once per sentence."""
    frequency = Counter(stem for line in stems for stem in set(line))
    common = [sum(frequency[stem] for stem in set(line)) / (len(set(line)) + 2) for line in stems]
    scores = [salience(sentence) ** 2 * (0.5 + share) for sentence, share in zip(said, common, strict=True)]
    return [score * (1.0 if index else _OPENING_BONUS) for index, score in enumerate(scores)]


def shortened(sentence: str, most_words: int) -> str:
    """Return *sentence*, or its first words and an ellipsis."""
    if word_count(sentence) <= most_words:
        return sentence
    words, left = list[str](), most_words
    for word in sentence.split():
        left -= word_count(word)
        if left < 0:
            break
        words.append(word)
    # One word of a script without spaces can be a whole text: it is cut inside.
    return " ".join(words or [sentence[: 2 * most_words]]) + "…"


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…", "。", "！", "？", ":", ";")) else f"{sentence}."
