"""Search over a store: relevance by BM25, times importance, and how much of the evidence it finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.store import Question, Store, StoredMemory
from memory_maintenance.writers.language.words import content_stems

Numbers = NDArray[np.float64]

K1: Final = 1.2
B: Final = 0.75
"""BM25's constants as Lucene sets them."""

DEPTH: Final = 10
"""How many memories a search returns: the 10 of recall@10."""


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
    """What one question found: the share of its evidence among the first ten, and whether the newest led.

    ``newest_first`` is None for a question without versions.
    """

    kind: str
    recall: float
    newest_first: bool | None


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    where: NDArray[np.intp]
    """Positions of the memories that share a word with the question, in the store."""
    relevance: Numbers
    evidence: NDArray[np.bool_]
    versions: tuple[int, ...]
    """Positions in the store, oldest first."""


class Search:
    """A store made ready: relevance depends on the words only, so it is computed once for all policies."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._at = {memory.id: position for position, memory in enumerate(store.memories)}
        self._asked = [asked for tenant in _tenants(store) for asked in self._prepare(tenant)]

    def _prepare(self, tenant: str) -> Iterator[_Asked]:
        own = np.array([at for at, memory in enumerate(self.store.memories) if memory.tenant_id == tenant])
        index = Bm25([self.store.memories[at].content for at in own])
        for question in self.store.questions:
            if self._memory(question).tenant_id == tenant:
                relevance = index.relevance(question.text)
                where = own[relevance > 0]
                evidence = np.isin(where, [self._at[one] for one in question.evidence])
                versions = tuple(self._at[one] for one in question.versions)
                yield _Asked(question, where, relevance[relevance > 0], evidence, versions)

    def _memory(self, question: Question) -> StoredMemory:
        return self.store.memories[self._at[min(question.evidence)]]

    def ask(self, importance: Numbers) -> list[Found]:
        """Ask every question, ranking by relevance times *importance* (one per memory); ties go by id."""
        return [_answered(asked, importance) for asked in self._asked]


def _tenants(store: Store) -> list[str]:
    return sorted({memory.tenant_id for memory in store.memories})


def _answered(asked: _Asked, importance: Numbers) -> Found:
    ranking = np.argsort(-asked.relevance * importance[asked.where], kind="stable")
    recall = float(asked.evidence[ranking[:DEPTH]].sum()) / len(asked.question.evidence)
    return Found(asked.question.kind, recall, _newest_first(asked, ranking))


def _newest_first(asked: _Asked, ranking: NDArray[np.intp]) -> bool | None:
    if len(asked.versions) < 2:
        return None
    ranked = asked.where[ranking]
    ranked_versions = ranked[np.isin(ranked, asked.versions)]
    return bool(len(ranked_versions)) and int(ranked_versions[0]) == asked.versions[-1]
