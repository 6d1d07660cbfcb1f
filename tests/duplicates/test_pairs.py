from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest

from memory_maintenance.duplicates.policy import LEAST_COSINE, Wording, likeness, may_be_rephrased
from tests.duplicates.pairs import Pair, pairs
from tests.duplicates.paraphrases import CONTRADICTIONS, PARAPHRASES
from tests.duplicates.vectors import cosine

AT = datetime(2026, 1, 1, tzinfo=UTC)


def both(pair: Pair) -> tuple[Wording, Wording]:
    one, other = (
        Wording(UUID(int=number), text, ("shop", "internal"), 0.5, AT, b"")
        for number, text in enumerate((pair.one, pair.other))
    )
    return one, other


def folded(pair: Pair) -> bool:
    return likeness(*both(pair)) is not None


def found_with_vectors(pair: Pair) -> bool:
    """Only a pair that the words leave open needs its vectors."""
    return folded(pair) or (may_be_rephrased(*both(pair)) and cosine(pair.one, pair.other) >= LEAST_COSINE)


def test_the_set_is_large_enough_and_has_every_label_in_five_languages():
    found = pairs()
    assert len(found) >= 200
    assert len({(pair.language, pair.label) for pair in found}) == 5 * 4


@pytest.mark.parametrize(("found", "recall"), [(folded, 92), (found_with_vectors, 94)], ids=["words", "vectors"])
def test_no_pair_is_found_whose_figures_names_negation_or_words_differ_and_most_duplicates_are(found, recall):
    counts = Counter((pair.label == "duplicate", found(pair)) for pair in pairs())
    assert counts == {(True, True): recall, (True, False): 100 - recall, (False, False): 140}


def test_vectors_do_not_tell_a_paraphrase_from_a_contradiction_so_nothing_that_only_they_find_is_folded():
    found = []
    for labelled in (PARAPHRASES, CONTRADICTIONS):
        near = [Pair("", "related", "", *texts) for cosine, *texts in labelled if cosine >= LEAST_COSINE]
        assert not any(folded(Pair("", "related", "", *texts)) for _, *texts in labelled)
        found.append((len(labelled), len(near), sum(may_be_rephrased(*both(pair)) for pair in near)))
    assert found == [(30, 25, 14), (98, 41, 13)]
