"""What samples/README.md promises about the sample memories, checked on the files themselves."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import TypeAdapter

SAMPLES = Path(__file__).parents[2] / "samples"
DURATION = TypeAdapter(timedelta)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

COLUMNS = {
    *("id", "tenant_id", "project", "agent_id", "layer", "content", "importance", "tags", "source", "session_id"),
    *("created_at", "last_accessed_at", "usage_count", "metadata"),
}
NAMES = {"episodic", "semantic", "working", "reflective"}
CODES = {"em": "episodic", "sm": "semantic", "wm": "working", "rm": "reflective"}

Row = Mapping[str, Any]


class SessionKey(NamedTuple):
    """What tells one session from another."""

    tenant_id: str
    project: str | None
    session_id: str


Sessions = Mapping[SessionKey, list[Row]]


def age(row: Row) -> timedelta:
    """How long before the import the memory was written."""
    return -DURATION.validate_python(row["created_at"])


def is_episodic(row: Row) -> bool:
    return CODES.get(row["layer"], row["layer"]) == "episodic"


def ended(events: list[Row]) -> timedelta:
    return min(age(event) for event in events)


def is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def word_triples(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def similar_pairs(texts: list[str], threshold: float) -> list[tuple[str, str]]:
    """Pairs of texts that share more than *threshold* of their word triples (Jaccard, in [0, 1])."""
    triples = [word_triples(text) for text in texts]
    having = defaultdict(list)
    for number, found in enumerate(triples):
        for triple in found:
            having[triple].append(number)
    shared = Counter((a, b) for numbers in having.values() for i, a in enumerate(numbers) for b in numbers[i + 1 :])
    return [(texts[a], texts[b]) for (a, b), n in shared.items() if n > threshold * len(triples[a] | triples[b])]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with (SAMPLES / "memories.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def tenants() -> dict[str, dict[str, str]]:
    described: dict[str, dict[str, str]] = json.loads((SAMPLES / "tenants.json").read_text(encoding="utf-8"))
    return described


@pytest.fixture(scope="module")
def sessions(rows: list[Row]) -> Sessions:
    """The episodic events of each session, in the order of the file."""
    found = defaultdict(list)
    for row in rows:
        if is_episodic(row) and row["session_id"]:
            found[SessionKey(row["tenant_id"], row["project"], row["session_id"])].append(row)
    return found


def test_there_are_about_a_thousand_memories(rows: list[Row]) -> None:
    assert 950 <= len(rows) <= 1150


def test_every_row_has_the_columns_of_the_table(rows: list[Row]) -> None:
    assert all(row.keys() == COLUMNS for row in rows)


def test_ids_are_distinct_uuids_so_that_a_second_import_adds_nothing(rows: list[Row]) -> None:
    assert len({UUID(row["id"]) for row in rows}) == len(rows)


def test_no_text_occurs_twice(rows: list[Row]) -> None:
    assert [text for text, times in Counter(row["content"] for row in rows).items() if times > 1] == []


def test_no_two_memories_say_nearly_the_same(rows: list[Row]) -> None:
    assert similar_pairs([row["content"] for row in rows], threshold=0.3) == []


def test_tenants_are_uuids_and_described(rows: list[Row], tenants: dict[str, dict[str, str]]) -> None:
    assert {row["tenant_id"] for row in rows} == tenants.keys()
    assert len(tenants) >= 4
    assert all(is_uuid(tenant) and about.keys() == {"name", "about"} for tenant, about in tenants.items())


def test_one_tenant_has_two_projects(rows: list[Row]) -> None:
    projects = {(row["tenant_id"], row["project"]) for row in rows}
    assert sorted(Counter(tenant for tenant, _ in projects).values())[-2:] == [1, 2]


def test_times_are_negative_durations_within_six_weeks_or_so(rows: list[Row]) -> None:
    assert all(timedelta() < age(row) <= 42 * DAY for row in rows)
    assert max(age(row) for row in rows) > 35 * DAY


def test_a_memory_is_read_after_it_was_written_and_before_the_import(rows: list[Row]) -> None:
    read = [row for row in rows if row["last_accessed_at"] is not None]
    assert all(timedelta() < -DURATION.validate_python(row["last_accessed_at"]) < age(row) for row in read)


def test_a_usage_count_goes_with_a_last_access(rows: list[Row]) -> None:
    assert all((row["usage_count"] > 0) == (row["last_accessed_at"] is not None) for row in rows)


def test_memories_were_read_lately_long_ago_and_never(rows: list[Row]) -> None:
    read = [row["last_accessed_at"] for row in rows]
    since = [-DURATION.validate_python(time) for time in read if time is not None]
    assert min(read.count(None), sum(s < 12 * HOUR for s in since)) >= 100
    assert sum(s > 21 * DAY for s in since) >= 15


@pytest.mark.parametrize("size", [3, 12, 40])
def test_a_session_of_exactly_this_size_exists(sessions: Sessions, size: int) -> None:
    assert size in {len(events) for events in sessions.values()}


def test_one_session_is_longer_than_the_daily_threshold(sessions: Sessions) -> None:
    assert max(len(events) for events in sessions.values()) > 120


def test_sessions_below_and_above_the_minimum_exist(sessions: Sessions) -> None:
    sizes = [len(events) for events in sessions.values()]
    assert sum(size < 10 for size in sizes) >= 10
    assert sum(10 <= size <= 40 for size in sizes) >= 20


def test_a_dozen_sessions_are_due_at_the_import(sessions: Sessions) -> None:
    due = [e for e in sessions.values() if len(e) >= 10 and timedelta(minutes=40) < ended(e) < 7 * DAY]
    assert len(due) >= 12


def test_a_session_with_enough_events_is_still_going_on(sessions: Sessions) -> None:
    assert any(len(events) >= 10 and ended(events) < timedelta(minutes=10) for events in sessions.values())


def test_some_events_have_no_session(rows: list[Row]) -> None:
    assert sum(is_episodic(row) and row["session_id"] is None for row in rows) >= 20


def test_at_least_half_of_the_session_ids_are_uuids(sessions: Sessions) -> None:
    uuids = sum(is_uuid(key.session_id) for key in sessions)
    assert len(sessions) / 2 <= uuids < len(sessions)


def test_events_of_a_session_follow_each_other_in_time(sessions: Sessions) -> None:
    assert all(age(first) > age(second) for events in sessions.values() for first, second in pairwise(events))


def test_the_spacing_of_events_varies(sessions: Sessions) -> None:
    gaps = [age(a) - age(b) for events in sessions.values() for a, b in pairwise(events)]
    assert min(gaps) < timedelta(seconds=15)
    assert max(gaps) > HOUR
    assert len(set(gaps)) > 50


def test_important_points_of_long_sessions_lie_in_every_third(sessions: Sessions) -> None:
    for key, events in sessions.items():
        if len(events) >= 33:
            important = {3 * i // len(events) for i, event in enumerate(events) if event["importance"] >= 0.6}
            assert important == {0, 1, 2}, key


def test_every_project_has_fresh_important_memories_to_dream_of(rows: list[Row]) -> None:
    projects = {(row["tenant_id"], row["project"]) for row in rows}
    fresh = Counter(
        (row["tenant_id"], row["project"])
        for row in rows
        if is_episodic(row) and row["importance"] >= 0.6 and age(row) <= 22 * HOUR
    )
    assert {project: count for project in projects if (count := fresh[project]) < 8} == {}


def test_important_memories_exist_on_older_days_too(rows: list[Row]) -> None:
    old = [row for row in rows if is_episodic(row) and row["importance"] >= 0.6 and age(row) > 2 * DAY]
    assert len(old) >= 40


def test_importance_is_spread_over_its_range(rows: list[Row]) -> None:
    values = [row["importance"] for row in rows]
    assert (min(values), max(values)) == (0.02, 0.98)
    tenths = Counter(int(10 * value) for value in values)
    assert min(tenths[tenth] for tenth in range(9)) >= 10


def test_all_layers_occur_in_both_spellings(rows: list[Row]) -> None:
    assert {row["layer"] for row in rows} == NAMES | CODES.keys()


def test_one_tenant_alone_uses_the_old_codes(rows: list[Row]) -> None:
    old = {row["tenant_id"] for row in rows if row["layer"] in CODES}
    assert len(old) == 1
    assert not [row for row in rows if row["tenant_id"] in old and row["layer"] in NAMES]


def test_some_memories_are_tagged_as_preference_or_pinned(rows: list[Row]) -> None:
    tags = Counter(tag for row in rows for tag in row["tags"])
    assert min(tags["preference"], tags["pinned"]) >= 5


def test_events_name_their_role(rows: list[Row]) -> None:
    assert {row["metadata"]["role"] for row in rows if is_episodic(row)} == {"user", "assistant", "tool"}


def test_nothing_pretends_to_be_written_by_maintenance(rows: list[Row]) -> None:
    assert not {row["source"] for row in rows} & {"summarization_worker", "reflection_engine_v2"}


def test_most_texts_are_short_and_a_few_are_pasted_results(rows: list[Row]) -> None:
    lengths = [len(row["content"]) for row in rows]
    assert sum(20 <= length <= 400 for length in lengths) > 0.85 * len(lengths)
    assert sum(1000 <= length <= 2000 for length in lengths) >= 4
    assert max(lengths) <= 2000


def test_sessions_contain_chatter(sessions: Sessions) -> None:
    assert sum(len(event["content"]) < 12 for events in sessions.values() for event in events) >= 20


@pytest.mark.parametrize("name", ["Zoë", "Łukasz", "São Paulo", "Ágnes", "Søren"])
def test_names_are_not_only_ascii(rows: list[Row], name: str) -> None:
    assert any(name in row["content"] for row in rows)


def test_the_readme_lists_every_session_with_its_size(sessions: Sessions) -> None:
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\S+)` \| [^|]+ \| (\d+) \| [^|]+ \|$", readme, re.MULTILINE))
    assert {session: int(size) for session, size in listed.items()} == {
        key.session_id: len(events) for key, events in sessions.items()
    }


def test_the_readme_states_the_size_of_every_project(rows: list[Row]) -> None:
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `(.)…(.)` \| [^|]+ \| (?:`(\S+)`|null) \| (\d+) \|", readme, re.MULTILINE)
    sizes = Counter((row["tenant_id"][0], row["tenant_id"][-1], row["project"] or "") for row in rows)
    assert {(first, last, project): int(size) for first, last, project, size in found} == sizes
