import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.writers.extractive.centrality import centrality, idf

WORDS = st.lists(st.sampled_from(["tent", "refund", "seam", "glue", "card", "order", "batch"]), max_size=6)


def test_what_the_others_speak_of_is_more_central_than_an_aside():
    documents = [["tent", "refund"], ["tent", "seam", "refund"], ["tent", "seam"], ["lunch", "corner"]]
    scores = centrality(documents)
    assert int(np.argmax(scores)) == 1
    assert int(np.argmin(scores)) == 3


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_the_mean_of_filled_documents_is_one_and_empty_ones_have_nothing(documents):
    scores = centrality(documents)
    filled = [score for score, document in zip(scores, documents, strict=True) if document]
    assert not filled or np.mean(filled) == pytest.approx(1)
    assert all(score == 0 for score, document in zip(scores, documents, strict=True) if not document)


def test_equal_documents_are_equally_central_whatever_their_order():
    scores = centrality([["tent", "seam"], ["lunch"], ["seam", "tent"]])
    assert scores[0] == pytest.approx(scores[2])


def test_a_long_sequence_is_ranked_in_segments_against_the_whole():
    subjects = (["tent", "refund"], ["tent", "seam"], ["refund", "card"])
    documents = [[*subjects[index % 3], f"detail{index % 40}"] for index in range(600)]
    documents[299] = ["lunch", "corner"]
    scores = centrality(documents)
    assert len(scores) == 600
    assert int(np.argmin(scores)) == 299


def test_a_rare_term_weighs_more_than_one_in_every_document():
    weights = idf([["tent", "seam"], ["tent"], ["tent"]])
    assert weights["seam"] > weights["tent"] > 0


def test_no_document_has_no_score():
    assert centrality([]).size == 0
