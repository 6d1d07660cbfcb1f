import hashlib
import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from benchmarks.decay_policies import BOUNDED, POLICIES, STAGED, UNDECAYED, as_imported
from benchmarks.decay_recall import as_json, as_markdown, main, measure, measure_seeds
from benchmarks.rae import rae_year
from benchmarks.ranking import Bm25, Search
from benchmarks.store import CURRENT, PAST, RARE, RECENT, Question, Store, StoredMemory
from benchmarks.store_files import NOW, read_store
from benchmarks.synthetic_store import StoreShape, synthetic_store
from memory_maintenance.errors import InvalidRequestError

SMALL = StoreShape(
    memories=300, subjects=8, changing_facts=3, standing_facts=2, recalls_per_day=2, questions_per_kind=15
)
WRITTEN = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIXED_STORE = "d1e697f44c61019d4e24d1bb3c950b1cb047d7e660c260c392b2fca3b624423f"
FASTEST = "staged, 0.01 a day (RAE's maximum)"


@pytest.fixture(scope="module")
def small():
    return synthetic_store(7, SMALL)


@pytest.fixture(scope="module")
def small_measured(small):
    return measure(small)


def _memory(number, content, importance=0.9, day=0.0, accesses=(), tenant="t", **more):
    recalled = tuple(WRITTEN + at * DAY for at in accesses)
    return StoredMemory(UUID(int=number), tenant, content, importance, WRITTEN + day * DAY, recalled, **more)


def _store(memories, *questions, days=365):
    return Store(tuple(memories), questions, WRITTEN + days * DAY)


def _question(text, *evidence, versions=()):
    return Question(
        text, frozenset(UUID(int=one) for one in evidence), versions=tuple(UUID(int=one) for one in versions)
    )


# --- the synthetic store -----------------------------------------------------------------------------


def test_a_seed_gives_the_same_store_again_and_another_seed_another(small):
    assert synthetic_store(7, SMALL) == small
    assert synthetic_store(8, SMALL) != small


def test_the_store_that_policies_are_compared_on_is_never_changed():
    store = synthetic_store()
    said = [(str(one.id), one.content, one.importance) for one in store.memories]
    asked = [(one.text, sorted(map(str, one.evidence))) for one in store.questions]
    assert hashlib.sha256(json.dumps([said, asked]).encode()).hexdigest() == FIXED_STORE


def test_a_store_has_what_its_shape_says(small):
    kinds = [question.kind for question in small.questions]
    assert len(small.memories) == SMALL.memories
    assert {kind: kinds.count(kind) for kind in (CURRENT, RARE, RECENT, PAST)} == dict.fromkeys(set(kinds), 15)


def test_every_access_lies_between_the_memory_and_the_questions(small):
    for memory in small.memories:
        times = (memory.created_at, *memory.accesses, small.as_of)
        assert list(times) == sorted(times)


def test_a_question_names_evidence_that_the_store_has(small):
    known = {memory.id for memory in small.memories}
    assert all(question.evidence and question.evidence <= known for question in small.questions)


def test_the_age_of_versions_says_little_of_which_was_accessed_last():
    store = synthetic_store()
    memories = {memory.id: memory for memory in store.memories}
    facts = [[memories[one] for one in question.versions] for question in store.questions if question.versions]
    assert all(fact == sorted(fact, key=lambda memory: memory.created_at) for fact in facts)
    older_later = [max(one.last_access for one in fact[:-1]) > fact[-1].last_access for fact in facts]
    assert 0.25 < np.mean(older_later) < 0.75


# --- what is measured --------------------------------------------------------------------------------


def test_the_same_seeds_give_the_same_numbers(small_measured):
    assert measure_seeds(1, 7, SMALL) == [small_measured]


def test_an_undecayed_store_finds_after_a_year_what_it_found_at_import(small, small_measured):
    assert small_measured.after[UNDECAYED] == small_measured.at_import
    assert POLICIES[UNDECAYED](small).tolist() == as_imported(small).tolist()


def test_where_all_memories_are_alike_no_policy_changes_what_is_found(small):
    alike = [
        replace(memory, importance=0.8, created_at=WRITTEN, accesses=(WRITTEN + DAY,)) for memory in small.memories
    ]
    measured = measure(replace(small, memories=tuple(alike)))
    assert measured.at_import.recall > 0
    assert {name: score.recall for name, score in measured.after.items()} == dict.fromkeys(
        POLICIES, measured.at_import.recall
    )


def test_an_important_fact_that_nobody_needed_for_a_year_drowns_under_staged_and_not_under_bounded():
    recent = [_memory(number, "the valve", 0.5, day=360) for number in range(1, 11)]
    after = measure(_store([_memory(11, "the valve"), *recent], _question("valve", 11))).after
    found = {name: after[name].recall for name in (UNDECAYED, STAGED, FASTEST, BOUNDED)}
    assert found == {UNDECAYED: 1, STAGED: 0, FASTEST: 0, BOUNDED: 1}


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
    measured = measure(_store(memories, _question("price", 2, versions=(1, 2))))
    assert measured.after[STAGED].newest_first == leads


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
    found = Search(_store(memories, _question("valve", 1, 10, 11, 20)))
    assert [one.recall for one in found.ask(as_imported(found.store))] == [0.5]


def test_bm25_of_a_word_in_one_of_two_texts_of_the_same_length():
    assert Bm25(["red valve", "green door"]).relevance("valve").tolist() == pytest.approx([math.log(2), 0])


@pytest.mark.parametrize(("runs", "left"), [(1, 0.686), (2, 0.526), (24, 0.010)])
def test_the_rule_of_rae_depends_on_how_often_it_runs(runs, left):
    assert rae_year(_store([_memory(1, "x")], days=30), 0.01, runs)[0] == pytest.approx(left, abs=5e-4)


def test_the_rule_of_rae_reckons_from_the_last_access_before_each_run():
    store = _store([_memory(1, "x", accesses=(28,)), _memory(2, "x", day=28.5)], days=30)
    recalled, young = rae_year(store, 0.01, 1)
    assert recalled == pytest.approx(0.9 * 0.995**6 * 0.99**21 * 0.995**3)
    assert young == pytest.approx(0.9 * 0.995**2)


# --- two files ---------------------------------------------------------------------------------------

LINES = [
    {"id": str(UUID(int=1)), "tenant_id": "t", "content": "The valve is in the cellar.", "importance": 0.9},
    {"id": str(UUID(int=2)), "tenant_id": "t", "content": "A door.", "created_at": "-P30D", "tags": ["pinned"]},
]


@pytest.fixture
def files(tmp_path):
    memories, questions = tmp_path / "memories.jsonl", tmp_path / "questions.jsonl"

    def write(*asked, lines=LINES):
        memories.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
        questions.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in asked) + "\n")
        return memories, questions

    return write


VALVE = {"question": "Where is the valve?", "evidence": [str(UUID(int=1))]}


def test_a_store_and_questions_are_read_from_two_files(files):
    memories, questions = files(VALVE)
    store = read_store(memories, questions, days=10)
    assert [memory.importance for memory in store.memories] == [0.9, 0.5]
    assert [memory.created_at for memory in store.memories] == [NOW, NOW - 30 * DAY]
    assert store.as_of == NOW + 10 * DAY
    assert store.questions == (_question("Where is the valve?", 1),)


def test_the_command_reports_on_two_files(files, capsys):
    memories, questions = files(VALVE, {"question": "unknown words", "evidence": [str(UUID(int=2))]})
    assert main(["--memories", str(memories), "--questions", str(questions), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["at_import"]["recall_at_10"] == {"mean": 0.5, "lowest": 0.5, "highest": 0.5}
    assert said["after_a_year"].keys() == POLICIES.keys()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param({"question": "?"}, "line 1: evidence must be", id="no evidence"),
        pytest.param({"question": "?", "evidence": []}, "line 1: evidence must be", id="empty evidence"),
        pytest.param({"question": "?", "evidence": ["x"]}, "line 1: evidence must be", id="no id"),
        pytest.param("nonsense", "line 1: the line must be", id="no JSON"),
        pytest.param({"question": "?", "evidence": [str(UUID(int=9))]}, "does not have", id="unknown"),
    ],
)
def test_a_question_that_cannot_be_asked_is_named(files, line, complaint):
    with pytest.raises(InvalidRequestError, match=complaint):
        read_store(*files(line))


def test_a_memory_that_cannot_be_read_is_named(files):
    with pytest.raises(InvalidRequestError, match=r"memories.jsonl, line 2: content is missing"):
        read_store(*files(VALVE, lines=[LINES[0], {"tenant_id": "t"}]))


def test_the_command_says_in_one_line_what_is_wrong(files, capsys):
    memories, questions = files("nonsense")
    assert main(["--memories", str(memories), "--questions", str(questions)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


# --- what is shown -----------------------------------------------------------------------------------


def test_the_table_has_a_row_for_the_import_and_one_for_each_policy(small_measured):
    rows = as_markdown([small_measured]).splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| importance at import", *(f"| {name}" for name in POLICIES)]
    assert rows[2].split(" | ")[1] == f"{100 * small_measured.at_import.recall:.1f}"


def test_several_stores_are_shown_with_their_spread(small_measured):
    better = replace(small_measured, at_import=replace(small_measured.at_import, recall=1.0))
    spread = as_json([small_measured, better])["at_import"]["recall_at_10"]
    low = small_measured.at_import.recall
    assert spread == {"mean": pytest.approx((1 + low) / 2), "lowest": low, "highest": 1.0}
    assert f"({100 * low:.1f} to 100.0)" in as_markdown([small_measured, better])
