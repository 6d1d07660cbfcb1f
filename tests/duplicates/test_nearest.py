from uuid import UUID

import numpy as np
import pytest

from memory_maintenance.duplicates import nearest
from memory_maintenance.duplicates.nearest import neighbours

A, B, C = (UUID(int=number) for number in (1, 2, 3))
VECTORS = {one: np.array(numbers, np.float32) for one, numbers in ((A, [1, 0]), (B, [2, 0.2]), (C, [0, 1]))}


def test_a_new_memory_and_one_that_is_near_are_a_pair_once_whichever_of_them_is_new():
    for new in ({A}, {B}, {A, B, C}):
        assert [pair[:2] for pair in neighbours(VECTORS, new, least=0.9)] == [(A, B)]
    assert neighbours(VECTORS, {C}, least=0.9) == []
    assert neighbours(VECTORS, {UUID(int=4)}, least=-1) == []
    assert neighbours({}, {A}, least=-1) == []


def test_the_nearest_pairs_come_first_and_the_length_of_a_vector_does_not_matter():
    found = neighbours(VECTORS, {A, B, C}, least=-1)
    assert [pair[:2] for pair in found] == [(A, B), (B, C), (A, C)]
    assert [pair[2] for pair in found] == pytest.approx([0.9950, 0.0995, 0.0], abs=1e-4)


def test_only_the_nearest_are_looked_at(monkeypatch):
    monkeypatch.setattr(nearest, "NEAREST", 1)
    assert [pair[:2] for pair in neighbours(VECTORS, {A}, least=-1)] == [(A, B)]
