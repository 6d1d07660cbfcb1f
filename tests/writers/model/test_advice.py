"""What a prompt says about refused answers."""

import re

import pytest

from memory_maintenance.writers.model.advice import advice
from memory_maintenance.writers.model.quality import faults

MEASURED = re.findall(r"``(\w+)``", faults.__doc__ or "")
READ = ["model_refused", "filtered", "off_schema", "empty", "truncated"]


@pytest.mark.parametrize("reason", [*MEASURED, *READ])
def test_every_reason_has_a_sentence_of_its_own(reason):
    assert advice([reason]) != advice(["never heard of"])


def test_before_the_first_refusal_nothing_is_said():
    assert not advice([])


def test_the_same_refusal_again_is_worded_differently():
    assert len({advice(["repeats"] * count) for count in range(1, 5)}) == 4


def test_a_reason_is_never_quoted():
    assert "canary" not in advice(["canary"])
