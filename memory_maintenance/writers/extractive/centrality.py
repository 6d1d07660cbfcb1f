"""How much of a conversation each of its parts stands for: LexRank over tf-idf vectors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

DAMPING: Final = 0.85
"""Share of a part's rank that it takes from the parts like it; the rest is its likeness to the whole."""

_SEGMENT: Final = 250
"""Parts that are compared with each other at once: a matrix of n² cosines is the cost."""

_ROUNDS: Final = 60
_CLOSE_ENOUGH: Final = 1e-9


def centrality(documents: Sequence[Sequence[str]]) -> Vector:
    """Return how central each of *documents* is; the mean is 1, an empty document has 0.

    A document is the list of its stems. Long sequences are ranked in segments,
    each biased towards the centre of the whole, so that time and memory grow
    with their length and not with its square.

    Source: Erkan and Radev, "LexRank: Graph-based Lexical Centrality as
    Salience in Text Summarization" (2004), continuous form; the bias is
    Otterbacher, Erkan and Radev, "Biased LexRank" (2009).
    """
    weights = idf(documents)
    scores = np.zeros(len(documents))
    filled = [index for index, document in enumerate(documents) if document]
    centre = _unit(_weighted([term for document in documents for term in document], weights))
    for segment in _segments(filled):
        vectors = [_unit(_weighted(documents[index], weights)) for index in segment]
        bias = np.array([_dot(vector, centre) for vector in vectors])
        scores[segment] = _rank(_cosines(vectors), bias / bias.sum()) * len(segment)
    return scores


def idf(documents: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return how rare each term is: ``ln((n + 1) / (df + 0.5))``, above 0 for every term."""
    frequency = Counter(term for document in documents for term in set(document))
    return {term: math.log((len(documents) + 1) / (count + 0.5)) for term, count in frequency.items()}


def _segments(indices: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(indices), _SEGMENT):
        yield indices[start : start + _SEGMENT]


def _weighted(document: Sequence[str], weights: dict[str, float]) -> dict[str, float]:
    return {term: count * weights[term] for term, count in Counter(document).items()}


def _unit(vector: dict[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in vector.values()))
    return {term: weight / length for term, weight in vector.items()} if length else vector


def _dot(vector: dict[str, float], other: dict[str, float]) -> float:
    return sum(weight * other.get(term, 0.0) for term, weight in vector.items())


def _cosines(vectors: Sequence[dict[str, float]]) -> Vector:
    columns = {term: column for column, term in enumerate(dict.fromkeys(term for vector in vectors for term in vector))}
    matrix = np.zeros((len(vectors), len(columns)))
    for row, vector in enumerate(vectors):
        matrix[row, [columns[term] for term in vector]] = list(vector.values())
    cosines: Vector = matrix @ matrix.T
    return cosines


def _rank(cosines: Vector, bias: Vector) -> Vector:
    """Return the stationary distribution of a walk along *cosines* that restarts by *bias*."""
    transition = cosines / cosines.sum(axis=1, keepdims=True)
    rank = bias
    for _ in range(_ROUNDS):
        following = DAMPING * (rank @ transition) + (1 - DAMPING) * bias
        if float(np.abs(following - rank).sum()) < _CLOSE_ENOUGH:
            break
        rank = following
    return rank
