"""Search over a store: relevance by BM25, times importance, and how much of the evidence it finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.store import Question, Store
from memory_maintenance.writers.language.words import content_stems

Numbers = NDArray[np.float64]

K1: Final = 1.2
B: Final = 0.75
"""BM25's constants as Lucene sets them."""

DEPTH: Final = 10
"""How many memories a search returns: the 10 of recall@10."""


OLD: Final = timedelta(days=90)


class Bm25:
    """Okapi BM25 over texts. Source: Robertson and Zaragoza, 2009; idf never negative, as in Lucene."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(content_stems(text)) for text in texts]
        lengths = np.array([count.total() for count in counts], dtype=float)
        self._size = len(texts)
        self._norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1.0))
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for which, count in enumerate(counts):
            for term, often in count.items():
                self._postings[term].append((which, often))

    def relevance(self, question: str) -> Numbers:
        """Return the score of each text for *question*, 0 where they share no word."""
        scores = np.zeros(self._size)
        for term in sorted(set(content_stems(question)) & self._postings.keys()):
            which, often = np.array(self._postings[term]).T
            idf = np.log1p((self._size - len(which) + 0.5) / (len(which) + 0.5))
            scores[which] += idf * often * (K1 + 1) / (often + self._norm[which])
        return scores


@dataclass(frozen=True, slots=True)
class Found:
    """The share of a question's evidence among the first ten, and whether the newest version came before the others.

    ``newest_first`` is None for a question without versions.
    """

    question: Question
    recall: float
    old: bool
    """Whether all of its evidence was written more than ``OLD`` before it was asked."""
    newest_first: bool | None


class Search:
    """A store made ready: relevance depends on the words only, so it is computed once for all policies."""

    def __init__(self, store: Store) -> None:
        at = {memory.id: position for position, memory in enumerate(store.memories)}
        tenants = np.array([memory.tenant_id for memory in store.memories])
        self._asked: list[tuple[Question, NDArray[np.intp], Numbers]] = []
        """A question, the positions of the tenant's memories that share a word with it, and their relevance."""
        self._at = at
        self._old = np.array([store.as_of - memory.created_at > OLD for memory in store.memories])
        for tenant in sorted(set(tenants)):
            (own,) = np.nonzero(tenants == tenant)
            index = Bm25([store.memories[position].content for position in own])
            for question in store.questions:
                if tenants[at[min(question.evidence)]] == tenant:
                    relevance = index.relevance(question.question)
                    self._asked.append((question, own[relevance > 0], relevance[relevance > 0]))

    def first(self, importance: Numbers) -> tuple[tuple[int, ...], ...]:
        """Return the places in the store of the memories that come first for each question, in order."""
        return tuple(
            tuple(_ranked(where, relevance, importance)[:DEPTH].tolist()) for _, where, relevance in self._asked
        )

    def ask(self, importance: Numbers) -> Iterator[Found]:
        """Ask every question, ranking by relevance times *importance* (one per memory); ties go by id."""
        for question, where, relevance in self._asked:
            ranked = _ranked(where, relevance, importance)
            sought = [self._at[one] for one in question.evidence]
            evidence, old = np.isin(ranked[:DEPTH], sought), bool(self._old[sought].all())
            versions = [self._at[one] for one in question.versions]
            leading = ranked[np.isin(ranked, versions)][:1]
            newest_first = leading.tolist() == versions[-1:] if len(versions) > 1 else None
            yield Found(question, float(evidence.sum()) / len(question.evidence), old, newest_first)


def _ranked(where: NDArray[np.intp], relevance: Numbers, importance: Numbers) -> NDArray[np.intp]:
    return where[np.argsort(-relevance * importance[where], kind="stable")]
