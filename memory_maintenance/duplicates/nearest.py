"""Which memories lie next to each other, by the vectors that a store has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from memory_maintenance.store.vectors import Vector

NEAREST: Final = 10
"""Neighbours of a new memory that are compared with it."""

_ROUNDING: Final = 0.001
"""By which cosines may differ that are computed of more or of fewer vectors at once."""


def near_any(vectors: Mapping[UUID, Vector], new: Set[UUID], *, least: float) -> dict[UUID, Vector]:
    """Return those of *vectors* that are *new*, or near enough to a new one that they may be its neighbours."""
    ids = list(vectors)
    fresh = [place for place, one in enumerate(ids) if one in new]
    if not fresh:
        return {}
    matrix = _unit_rows([vectors[one] for one in ids])
    near = (matrix @ matrix[fresh].T).max(axis=1) >= least - _ROUNDING
    near[fresh] = True
    return {one: vectors[one] for one, is_near in zip(ids, near, strict=True) if is_near}


def neighbours(vectors: Mapping[UUID, Vector], new: Set[UUID], *, least: float) -> list[tuple[UUID, UUID, float]]:
    """Return pairs of a new memory and one of its nearest, each pair once, with their cosine; the nearest pairs first.

    Args:
        vectors: of one dimension, by memory.
        new: the memories whose neighbours are looked for.
        least: cosine of two that are near enough, in [-1, 1].
    """
    ids = sorted(vectors)
    fresh = [place for place, one in enumerate(ids) if one in new]
    if len(ids) < 2 or not fresh:  # noqa: PLR2004  a pair
        return []
    matrix = _unit_rows([vectors[one] for one in ids])
    found = dict[tuple[int, int], float]()
    for place, row in zip(fresh, matrix[fresh] @ matrix.T, strict=True):
        row[place] = -np.inf
        for other in np.argsort(-row, kind="stable")[:NEAREST]:
            if row[other] >= least:
                found[min(place, int(other)), max(place, int(other))] = float(row[other])
    return [(ids[one], ids[other], cosine) for (one, other), cosine in sorted(found.items(), key=lambda it: -it[1])]


def _unit_rows(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    matrix = np.stack(vectors)
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return matrix
