import hashlib
import json
import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from benchmarks.decay_policies import (
    BOUNDED,
    KEEPING_NOTHING,
    KEEPING_NOTHING_FASTEST,
    POLICIES,
    STAGED,
    UNDECAYED,
    as_imported,
    by_rae,
)
from benchmarks.decay_recall import NEWEST, OLD, RECALL, as_markdown, main, measure
from benchmarks.ranking import Bm25, Search
from benchmarks.store import NOW, Question, Store, StoredMemory, read_store
from benchmarks.synthetic_store import synthetic_store
from memory_maintenance.errors import InvalidRequestError

WRITTEN = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIXED_STORE = "d1e697f44c61019d4e24d1bb3c950b1cb047d7e660c260c392b2fca3b624423f"


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_store()


def _memory(number, content, importance=0.9, day=0.0, accesses=(), tenant="t", **more):
    recalled = tuple(WRITTEN + at * DAY for at in accesses)
    return StoredMemory(UUID(int=number), tenant, content, importance, WRITTEN + day * DAY, recalled, **more)


def _store(memories, *questions, days=365):
    return Store(tuple(memories), questions, WRITTEN + days * DAY)


def _question(text, *evidence, versions=()):
    ids = [tuple(UUID(int=one) for one in numbers) for numbers in (evidence, versions)]
    return Question(question=text, evidence=frozenset(ids[0]), versions=ids[1])


# --- the synthetic store -----------------------------------------------------------------------------


def test_the_store_that_policies_are_compared_on_is_never_changed(synthetic):
    said = [(str(one.id), one.content, one.importance) for one in synthetic.memories]
    asked = [(one.question, sorted(map(str, one.evidence))) for one in synthetic.questions]
    assert hashlib.sha256(json.dumps([said, asked]).encode()).hexdigest() == FIXED_STORE
    assert Counter(one.kind for one in synthetic.questions) == dict.fromkeys(("current", "rare", "recent", "past"), 100)


def test_another_seed_gives_another_store(synthetic):
    assert synthetic_store(7).memories[0] != synthetic.memories[0]


def test_what_is_said_of_a_store_holds(synthetic):
    memories = {memory.id: memory for memory in synthetic.memories}
    for memory in synthetic.memories:
        times = (memory.created_at, *memory.accesses, synthetic.as_of)
        assert list(times) == sorted(times)
    assert all(question.evidence <= memories.keys() for question in synthetic.questions)
    facts = [[memories[one] for one in question.versions] for question in synthetic.questions if question.versions]
    assert all(fact == sorted(fact, key=lambda memory: memory.created_at) for fact in facts)
    older_later = [max(one.last_access for one in fact[:-1]) > fact[-1].last_access for fact in facts]
    assert 0.25 < np.mean(older_later) < 0.75


# --- what is measured --------------------------------------------------------------------------------


def test_an_undecayed_store_finds_after_a_year_what_it_found_at_import(synthetic):
    assert POLICIES[UNDECAYED](synthetic).tolist() == as_imported(synthetic).tolist()


def test_where_all_memories_are_alike_no_policy_changes_what_is_found(synthetic):
    alike = [
        replace(memory, importance=0.8, created_at=WRITTEN, accesses=(WRITTEN + DAY,))
        for memory in synthetic.memories[::20]
    ]
    kept = {memory.id for memory in alike}
    asked = [question for question in synthetic.questions if question.evidence <= kept and not question.versions]
    (recall,) = {tuple(figures[RECALL]) for figures in measure([_store(alike, *asked)]).values()}
    assert recall[0] > 0


def test_an_important_fact_not_needed_for_a_year_drowns_where_nothing_is_kept():
    recent = [_memory(number, "the valve", 0.5, day=360) for number in range(1, 11)]
    after = measure([_store([_memory(11, "the valve"), *recent], _question("valve", 11))])
    assert [after[name][RECALL] for name in (UNDECAYED, STAGED, BOUNDED)] == [[1]] * 3
    assert [after[name][RECALL] for name in (KEEPING_NOTHING, KEEPING_NOTHING_FASTEST)] == [[0]] * 2


def test_questions_count_as_old_by_the_age_of_their_evidence():
    recent = [_memory(number, "the valve", 0.5, day=360) for number in range(2, 12)]
    store = _store(
        [_memory(1, "the valve"), *recent], _question("valve", 1), _question("valve", 2), _question("valve", 1, 2)
    )
    assert [found.old for found in Search(store).ask(as_imported(store))] == [True, False, False]
    assert measure([store])[STAGED][OLD] == [1]


@pytest.mark.parametrize(
    ("newest", "older", "leads"),
    [
        pytest.param({}, {}, True, id="recalled later than the older one"),
        pytest.param({"accesses": ()}, {"accesses": (364,)}, False, id="the older one was recalled later"),
        pytest.param({"importance": 0.6, "accesses": (200,)}, {}, False, id="less important"),
    ],
)
def test_the_newest_version_leads_by_its_score_not_by_its_age(newest, older, leads):
    memories = [
        _memory(2, "the price", **{"day": 100, "accesses": (300,), **newest}),
        _memory(1, "the price", **{"accesses": (200,), **older}),
    ]
    assert measure([_store(memories, _question("price", 2, versions=(1, 2)))])[STAGED][NEWEST] == [leads]


def test_a_pinned_memory_keeps_its_importance():
    store = _store([_memory(1, "x", tags=frozenset({"pinned"})), _memory(2, "x")])
    pinned, other = POLICIES[STAGED](store)
    assert pinned == 0.9 > other


def test_a_question_is_asked_in_its_own_tenant_only():
    others = [_memory(number, "the valve", tenant="other") for number in range(1, 30)]
    found = Search(_store([*others, _memory(30, "the valve", 0.1)], _question("valve", 30))).ask(np.ones(30))
    assert [one.recall for one in found] == [1.0]


def test_recall_is_the_share_of_the_evidence_among_the_first_ten():
    memories = [_memory(number, "the valve", number / 100) for number in range(1, 21)]
    store = _store(memories, _question("valve", 1, 10, 11, 20))
    assert [one.recall for one in Search(store).ask(as_imported(store))] == [0.5]


def test_bm25_of_a_word_in_one_of_two_texts_of_the_same_length():
    assert Bm25(["red valve", "green door"]).relevance("valve").tolist() == pytest.approx([math.log(2), 0])


@pytest.mark.parametrize(("runs", "left"), [(1, 0.686), (2, 0.526), (24, 0.010)])
def test_the_rule_of_rae_depends_on_how_often_it_runs(runs, left):
    assert by_rae(0.01, runs, _store([_memory(1, "x")], days=30))[0] == pytest.approx(left, abs=5e-4)


def test_the_rule_of_rae_reckons_from_the_last_access_before_each_run():
    store = _store([_memory(1, "x", accesses=(28,)), _memory(2, "x", day=28.5)], days=30)
    recalled, young = by_rae(0.01, 1, store)
    assert recalled == pytest.approx(0.9 * 0.995**6 * 0.99**21 * 0.995**3)
    assert young == pytest.approx(0.9 * 0.995**2)


def test_several_stores_are_shown_with_their_spread():
    stores = [_store([_memory(1, "the valve")], _question(asked, 1)) for asked in ("valve", "door")]
    row = as_markdown(measure(stores)).splitlines()[2]
    assert row == "| importance at import | 50.0 (0.0 to 100.0) | 0.0 (0.0 to 0.0) | 50.0 | 50.0 |"


# --- two files ---------------------------------------------------------------------------------------

LINES = [
    {"id": str(UUID(int=1)), "tenant_id": "t", "content": "The valve is in the cellar.", "importance": 0.9},
    {"id": str(UUID(int=2)), "tenant_id": "t", "content": "A door.", "created_at": "-P30D", "tags": ["pinned"]},
]
VALVE = {"question": "Where is the valve?", "evidence": [str(UUID(int=1))]}


@pytest.fixture
def files(tmp_path):
    memories, questions = tmp_path / "memories.jsonl", tmp_path / "questions.jsonl"

    def write(*asked, lines=LINES):
        memories.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
        questions.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in asked) + "\n")
        return memories, questions

    return write


def test_a_store_and_questions_are_read_from_two_files(files):
    memories, questions = files(VALVE)
    store = read_store(memories, questions, days=10)
    assert [(memory.importance, memory.created_at) for memory in store.memories] == [(0.9, NOW), (0.5, NOW - 30 * DAY)]
    assert (store.as_of, store.questions) == (NOW + 10 * DAY, (_question("Where is the valve?", 1),))


def test_the_command_reports_on_two_files(files, capsys):
    memories, questions = files(VALVE, {"question": "unknown words", "evidence": [str(UUID(int=2))]})
    assert main(["--memories", str(memories), "--questions", str(questions), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["importance at import"][RECALL] == [0.5]
    assert said.keys() == POLICIES.keys()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param({"question": "?", "evidence": []}, "line 1: it must be as", id="empty evidence"),
        pytest.param({"question": "?", "evidence": ["x"]}, "line 1: it must be as", id="no id"),
        pytest.param("nonsense", "line 1: it must be as", id="no JSON"),
        pytest.param({"question": "?", "evidence": [str(UUID(int=9))]}, "does not have", id="unknown"),
    ],
)
def test_a_question_that_cannot_be_asked_is_named_in_one_line(files, line, complaint, capsys):
    memories, questions = files(line)
    assert main(["--memories", str(memories), "--questions", str(questions)]) == 1
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_a_memory_that_cannot_be_read_is_named(files):
    with pytest.raises(InvalidRequestError, match=r"memories.jsonl, line 2: content is missing"):
        read_store(*files(VALVE, lines=[LINES[0], {"tenant_id": "t"}]))
