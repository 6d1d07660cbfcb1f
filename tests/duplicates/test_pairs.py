from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from memory_maintenance.duplicates.policy import Wording, likeness
from tests.duplicates.pairs import Pair, pairs

AT = datetime(2026, 1, 1, tzinfo=UTC)


def folded(pair: Pair) -> bool:
    one, other = (
        Wording(UUID(int=number), text, ("shop", "internal"), 0.5, AT, b"")
        for number, text in enumerate((pair.one, pair.other))
    )
    return likeness(one, other) is not None


def test_the_set_is_large_enough_and_has_every_label_in_five_languages():
    found = pairs()
    assert len(found) >= 200
    assert len({(pair.language, pair.label) for pair in found}) == 5 * 4


def test_no_pair_is_folded_whose_figures_names_negation_or_words_differ():
    assert [pair for pair in pairs() if pair.label != "duplicate" and folded(pair)] == []


def test_most_duplicates_are_found():
    counts = Counter((pair.label == "duplicate", folded(pair)) for pair in pairs())
    precision = counts[True, True] / (counts[True, True] + counts[False, True])
    recall = counts[True, True] / (counts[True, True] + counts[True, False])
    assert precision == 1
    assert 2 * precision * recall / (precision + recall) >= 0.9, counts
