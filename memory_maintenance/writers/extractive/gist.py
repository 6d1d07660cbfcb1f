"""What one text says, in a few of its own sentences: small talk, padding and the bulk of a pasted log left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from memory_maintenance.writers.extractive.plain_text import plain_sentences
from memory_maintenance.writers.extractive.salience import is_padding, is_small_talk, salience
from memory_maintenance.writers.extractive.transcript import label_of
from memory_maintenance.writers.extractive.whole_sentences import is_open
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS
from memory_maintenance.writers.language.words import content_stems, word_count

_MOST_SENTENCES: Final = 300
"""Sentences that are read of one text, evenly spread: those of a log repeat each other."""

_CLAUSE: Final = ",;:–—"
_LOOSE: Final = " ,–—-"
_CLOSING: Final = "\"'”’»)]"
_SHARE_OF_CLAUSE: Final = 0.6
"""Share of the words that are there from which on a clause may be all that is left of a sentence."""

_OPENING_BONUS: Final = 1.5
"""The first sentence of a long text tends to say what the rest is."""


def gist(text: str, *, most_words: int = 40, small_talk: bool = False) -> str:
    """Return at most *most_words* words of *text*: all of a short one, the most central sentences of a long one.

    One line, every sentence closed; a sentence that is too long alone ends in
    an ellipsis. A label in front of the text ("Ana: ") stays there whatever
    is left out. Empty when *text* has nothing but small talk and symbols, or
    nothing but symbols when *small_talk* is wanted too.
    """
    found = plain_sentences(text)
    said = [one for one in found if small_talk or not (is_small_talk(one) or is_padding(one))]
    if not said and not small_talk:
        said = [one for one in found if not is_small_talk(one)]
    if not said or most_words < 1:
        return ""
    label = label_of(found[0])
    before = f"{label[0]}: " if label and said[0] != found[0] else ""
    room = most_words - word_count(before)
    if sum(map(word_count, said)) > room:
        label_inside = label_of(said[0])
        said = _most_central(said[:: -(-len(said) // _MOST_SENTENCES)], max(1, room))
        if label_inside and not label_of(said[0]) and not before:
            before = f"{label_inside[0]}: "
            said = _most_central(said, max(1, most_words - word_count(before)))
    return before + " ".join(map(closed, said)) if word_count(before) < most_words else " ".join(map(closed, said))


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
    """Return *sentence*, or its first words and an ellipsis, not cut inside a bracket or a quotation."""
    if word_count(sentence) <= most_words:
        return sentence
    words, left = list[str](), most_words
    for word in sentence.split():
        left -= word_count(word)
        if left < 0:
            break
        words.append(word)
    whole = next((end for end in _ends_of_clauses(words) if not is_open(" ".join(words[:end]))), len(words))
    cut = " ".join(words[:whole] or [sentence[: 2 * most_words]])
    # One word of a script without spaces can be a whole text: it is cut inside.
    return f"{cut.rstrip(_LOOSE)}…"


def _ends_of_clauses(words: Sequence[str]) -> Iterator[int]:
    """Yield where the first of *words* may end: where a clause does, behind no function word, or anywhere."""
    ends = range(len(words), len(words) // 2, -1)
    yield from (end for end in ends if words[end - 1][-1] in _CLAUSE and end > _SHARE_OF_CLAUSE * len(words))
    yield from (end for end in ends if words[end - 1].casefold() not in ALL_FUNCTION_WORDS)
    yield from ends


def closed(sentence: str) -> str:
    """Return *sentence* with one mark at its end, also where a bracket or a quotation ends with it."""
    text = sentence.rstrip(_LOOSE)
    return text if text.rstrip(_CLOSING).endswith((".", "!", "?", "…", "。", "！", "？", ":", ";")) else f"{text}."
