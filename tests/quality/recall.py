"""Which session a question leads to, by the words of the sessions' summaries: ours, RAE's fallback, LexRank."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log1p, sqrt
from typing import Any, NamedTuple

from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.summarizers.lex_rank import LexRankSummarizer

from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.language.words import word_count
from tests.quality.samples import Question

_WORD = re.compile(r"[^\W_]+")
_K1, _B = 1.2, 0.75


class Interval(NamedTuple):
    """A share and the interval that holds it in 95 of 100 cases."""

    share: float
    low: float
    high: float

    @classmethod
    def of(cls, found: int, asked: int) -> Interval:
        """Return Wilson's interval: it holds for small numbers, too."""
        z, share = 1.96, found / asked
        middle = (share + z * z / (2 * asked)) / (1 + z * z / asked)
        half = z * sqrt(share * (1 - share) / asked + z * z / (4 * asked * asked)) / (1 + z * z / asked)
        return cls(share, middle - half, middle + half)


class Bm25:
    """Okapi BM25 over texts, words as they are written but for their case."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._counts = {key: Counter(words(text)) for key, text in texts.items()}
        self._length = {key: max(1, own.total()) for key, own in self._counts.items()}
        self._mean = sum(self._length.values()) / len(texts)
        self._holding = Counter(word for own in self._counts.values() for word in own)

    def first(self, question: str, most: int, *, weights: Mapping[str, float] | None = None) -> list[str]:
        """Return the keys of the texts that a question finds, the best first; *weights* are factors of their scores."""
        asked = set(words(question))
        scores = {key: self._score(key, asked) * (weights[key] if weights else 1.0) for key in self._counts}
        return sorted((key for key in scores if scores[key] > 0), key=lambda key: (-scores[key], key))[:most]

    def _score(self, key: str, asked: set[str]) -> float:
        norm = _K1 * (1 - _B + _B * self._length[key] / self._mean)
        own = self._counts[key]
        return sum(
            log1p((len(self._counts) - self._holding[word] + 0.5) / (self._holding[word] + 0.5))
            * own[word] * (_K1 + 1) / (own[word] + norm)
            for word in sorted(asked) if word in own
        )  # fmt: skip


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def recall(texts: Mapping[str, str], asked: Sequence[Question], *, top: int = 5) -> Interval:
    """Return the share of questions whose session is among the first *top*."""
    index = Bm25(texts)
    return Interval.of(sum(one.session in index.first(one.text, top) for one in asked), len(asked))


def answered(texts: Mapping[str, str], asked: Sequence[Question]) -> float:
    """Return the share of the words of answers that are in the summary of their session."""
    kept = [word in set(words(texts[one.session])) for one in asked for word in words(one.answer)]
    return sum(kept) / len(kept)


class _Words:
    """What sumy wants of a language, without the data that NLTK would fetch."""

    def to_words(self, text: str) -> tuple[str, ...]:
        return tuple(words(text))


def lexrank(events: Sequence[Memory], *, most_words: int) -> str:
    """Return sumy's LexRank summary: whole messages, the most central first, as many as fit into *most_words*."""
    said = [event.content for event in events if words(event.content)]
    document = ObjectDocumentModel([Paragraph([Sentence(text, _Words()) for text in said])])

    def fitting(ranked: Sequence[Any]) -> list[Any]:
        chosen, left = [], most_words
        for one in ranked:
            if (count := word_count(str(one.sentence))) <= left:
                chosen.append(one)
                left -= count
        return chosen

    return " ".join(map(str, LexRankSummarizer()(document, fitting)))
