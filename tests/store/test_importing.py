import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from memory_maintenance.errors import StoreError
from memory_maintenance.store import importing
from memory_maintenance.store.import_line import MemoryLine, read_line
from memory_maintenance.store.importing import BadLine, ImportReport, import_memories
from memory_maintenance.store.pool import execute, fetch, fetch_value

SAMPLES = Path(__file__).parents[2] / "samples" / "memories.jsonl"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TENANT = "a0000000-0000-4000-8000-000000000001"
CANARY = "kestrel"
MEMORIES = "SELECT * FROM memories"
A_TIME = "an ISO 8601 time (2026-11-24T02:00Z; UTC where it names no zone) or duration (-P3DT4H)"


def line(**said):
    return json.dumps({"tenant_id": TENANT, "content": f"The {CANARY} nests in the tower.", **said})


def without(name):
    return json.dumps({key: value for key, value in json.loads(line()).items() if key != name})


def with_json(text):
    return line(n=0).replace('"n": 0', f'"n": {text}')


async def imported(pool, *lines):
    return await import_memories(pool, lines, now=NOW)


async def only_row(pool):
    (row,) = await fetch(pool, MEMORIES)
    return row


async def test_the_samples_are_added_once(any_pool):
    with SAMPLES.open("rb") as lines:
        first = await import_memories(any_pool, lines)
    with SAMPLES.open(encoding="utf-8") as lines:
        second = await import_memories(any_pool, lines)
    assert first == ImportReport(read=1132, added=1132, already_there=0, bad=(), bad_count=0)
    assert second == ImportReport(read=1132, added=0, already_there=1132, bad=(), bad_count=0)
    assert await fetch_value(any_pool, "SELECT count(*) FROM memories") == 1132


async def test_every_column_of_the_samples_arrives_as_it_is_in_the_file(any_pool):
    with SAMPLES.open("rb") as lines:
        await import_memories(any_pool, lines, now=NOW)
        lines.seek(0)
        said = {row["id"]: row for row in map(json.loads, lines)}
    plain = ("project", "agent_id", "layer", "content", "importance", "tags", "source", "session_id", "usage_count")
    for row in await fetch(any_pool, MEMORIES):
        expected = said[str(row["id"])]
        assert {name: row[name] for name in plain} == {name: expected[name] for name in plain}
        assert (str(row["tenant_id"]), row["metadata"]) == (expected["tenant_id"], expected["metadata"])


async def test_a_line_with_all_of_raes_columns_fills_them(rae_pool):
    said = {
        "timestamp": "2026-11-01T00:00:00+00:00",
        "created_at": "2026-11-02T00:00:00+00:00",
        "expires_at": "2027-01-01T00:00:00+00:00",
        "memory_type": "note",
        "strength": 0.25,
        "info_class": "public",
        "governance": {"owner": "ana"},
        "human_label": "tower",
    }
    await imported(rae_pool, line(**said))
    row = await only_row(rae_pool)
    assert {name: getattr(row[name], "isoformat", lambda v=row[name]: v)() for name in said} == said
    assert row["metadata"] == {}


async def test_what_a_line_does_not_say_is_the_tables_default(rae_pool):
    await imported(rae_pool, line(agent_id=None))
    row = await only_row(rae_pool)
    assert (row["agent_id"], row["info_class"], row["governance"], row["strength"]) == ("default", "internal", {}, 1.0)
    assert (row["importance"], row["usage_count"], row["metadata"], row["tags"]) == (0.5, 0, {}, None)


async def test_a_default_that_an_owner_gave_the_table_is_used(pool):
    await execute(pool, "ALTER TABLE memories ALTER agent_id SET DEFAULT 'owl', ALTER source SET DEFAULT 'it''s {}'")
    await imported(pool, line(), line(agent_id="fox"))
    rows = await fetch(pool, "SELECT agent_id, source FROM memories ORDER BY 1")
    assert [tuple(row) for row in rows] == [("fox", "it's {}"), ("owl", "it's {}")]


async def test_being_imported_is_not_being_recalled(pool):
    await imported(pool, line(), line(last_accessed_at=None, source="chat"))
    assert [row["last_accessed_at"] for row in await fetch(pool, MEMORIES)] == [None, None]


async def test_derived_columns_are_left_to_who_derives_them(rae_pool):
    report = await imported(
        rae_pool,
        line(id=str(uuid4()), embedding=[0.1, 0.2], content_hash="c0ffee", base_importance=0.9),
        line(id=str(uuid4()), content_hash="c0ffee"),
    )
    assert report.added == 2
    for row in await fetch(rae_pool, MEMORIES):
        assert (row["embedding"], row["content_hash"], row["base_importance"], row["metadata"]) == (None,) * 3 + ({},)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        pytest.param("-P3DT4H", NOW - timedelta(days=3, hours=4), id="a duration back"),
        pytest.param("-PT0S", NOW, id="now"),
        pytest.param("P1D", NOW + timedelta(days=1), id="a duration ahead"),
        pytest.param("2026-11-01T08:30:00", datetime(2026, 11, 1, 8, 30, tzinfo=UTC), id="naive is UTC"),
        pytest.param("2026-11-01T08:30:00+02:00", datetime(2026, 11, 1, 6, 30, tzinfo=UTC), id="an offset"),
        pytest.param("2026-11-01T08:30:00.123456Z", datetime(2026, 11, 1, 8, 30, 0, 123456, tzinfo=UTC), id="zulu"),
        pytest.param("2026-11-01 08:30:00+00", datetime(2026, 11, 1, 8, 30, tzinfo=UTC), id="as Postgres prints it"),
    ],
)
def test_times_are_points_or_count_from_the_import(said, at):
    memory = read_line(line(created_at=said, expires_at=said), NOW)
    assert (memory.created_at, memory.expires_at) == (at, at)


async def test_times_are_stored_as_the_points_they_mean(pool):
    await imported(pool, line(created_at="-P3DT4H", last_accessed_at="2026-11-01T08:30:00.123456+02:00"))
    row = await only_row(pool)
    assert row["created_at"] == NOW - timedelta(days=3, hours=4)
    assert row["last_accessed_at"] == datetime(2026, 11, 1, 6, 30, 0, 123456, tzinfo=UTC)


async def test_a_memory_without_a_time_is_of_the_moment_of_the_import(pool):
    await imported(pool, line())
    assert await fetch_value(pool, "SELECT created_at FROM memories") == NOW


@pytest.mark.parametrize("given", ["timestamp", "created_at"])
async def test_of_raes_two_times_of_an_event_one_says_the_other(rae_pool, given):
    await imported(rae_pool, line(**{given: "-P2D"}))
    row = await only_row(rae_pool)
    assert row["created_at"] == row["timestamp"] == NOW - timedelta(days=2)


async def test_a_naive_now_is_utc(pool):
    await import_memories(pool, [line(created_at="-P1D")], now=NOW.replace(tzinfo=None))
    assert await fetch_value(pool, "SELECT created_at FROM memories") == NOW - timedelta(days=1)


async def test_unknown_fields_go_into_the_metadata_and_overwrite_nothing(pool):
    await imported(pool, line(mood="calm", role="from outside", odd=None, metadata={"role": "user"}))
    assert await fetch_value(pool, "SELECT metadata FROM memories") == {"mood": "calm", "role": "user"}


async def test_a_store_without_a_column_that_can_be_done_without_is_served(pool):
    await execute(pool, "ALTER TABLE memories DROP usage_count, DROP agent_id")
    await imported(pool, line(), line(usage_count=3, agent_id="fox"))
    rows = await fetch(pool, "SELECT metadata FROM memories ORDER BY metadata = '{}' DESC")
    assert [row["metadata"] for row in rows] == [{}, {"usage_count": 3, "agent_id": "fox"}]


async def test_fields_that_this_store_has_no_column_for_go_into_the_metadata(pool):
    await imported(pool, line(strength=0.25, human_label="the tent", governance={"owner": "ana"}))
    metadata = await fetch_value(pool, "SELECT metadata FROM memories")
    assert metadata == {"strength": 0.25, "human_label": "the tent", "governance": {"owner": "ana"}}


async def test_lines_without_an_id_are_added_once_whatever_the_day(pool):
    lines = [line(created_at="-P1D"), line(created_at="-P2D"), line(source="chat")]
    first = await import_memories(pool, lines, now=NOW)
    second = await import_memories(pool, lines, now=NOW + timedelta(days=9))
    assert (first.added, second.added, second.already_there) == (3, 0, 3)


async def test_a_memory_that_is_there_is_left_as_it_is(any_pool):
    memory = str(uuid4())
    await imported(any_pool, line(id=memory, importance=0.9))
    report = await imported(any_pool, line(id=memory, importance=0.1, content="something else"))
    assert (report.added, report.already_there) == (0, 1)
    assert await fetch_value(any_pool, "SELECT importance FROM memories") == 0.9


async def test_blank_lines_are_no_lines_but_have_a_number(pool):
    report = await imported(pool, "\n", line() + "\n", "  \r\n", b"\n", "x\n")
    assert (report.read, report.added, report.bad) == (2, 1, (BadLine(5, "not JSON from column 1 on"),))


async def test_a_byte_order_mark_and_raw_bytes_are_read(pool):
    assert (await imported(pool, b"\xef\xbb\xbf" + line().encode() + b"\r\n")).added == 1


BAD_LINES = [
    (f'{{"content": "{CANARY}', "not JSON from column 13 on"),
    (CANARY, "not JSON from column 1 on"),
    (f'["{CANARY}"]', "not a JSON object"),
    (f'"{CANARY}"', "not a JSON object"),
    ("null", "not a JSON object"),
    (line().encode("utf-16"), "not UTF-8"),
    (b'{"content": "\xff"}', "not UTF-8"),
    (line(importance=float("nan")), "a number that JSON does not have, or too long a one"),
    (with_json("9" * 5000), "a number that JSON does not have, or too long a one"),
    (with_json("1e999"), "a number that is out of range"),
    (with_json("[" * 99_999), "nested too deeply"),
    (without("tenant_id"), "tenant_id is missing"),
    (line(tenant_id=None), "tenant_id is missing"),
    (line(tenant_id=""), "tenant_id must be a text that is not empty"),
    (line(tenant_id=7), "tenant_id must be a text that is not empty"),
    (without("content"), "content is missing"),
    (line(content=" \n"), "content must be a text that is not blank"),
    (line(content=[CANARY]), "content must be a text that is not blank"),
    (line(id=CANARY), "id must be a UUID"),
    (line(importance=1.01), "importance must be a number from 0 to 1"),
    (line(importance=-0.01), "importance must be a number from 0 to 1"),
    (line(importance=CANARY), "importance must be a number from 0 to 1"),
    (line(tags=CANARY), "tags must be a list of texts"),
    (line(tags=[CANARY, None]), "tags must be a list of texts"),
    (line(source=[CANARY]), "source must be a text"),
    (line(usage_count=-1), "usage_count must be a whole number from 0 to 2147483647"),
    (line(usage_count=2**31), "usage_count must be a whole number from 0 to 2147483647"),
    (line(strength=CANARY), "strength must be a number"),
    (line(metadata=CANARY), "metadata must be an object"),
    (line(governance=[CANARY]), "governance must be an object"),
    (line(created_at=CANARY), f"created_at must be {A_TIME}"),
    (line(created_at="P" + CANARY), f"created_at must be {A_TIME}"),
    (line(created_at=1764028800), f"created_at must be {A_TIME}"),
    (line(last_accessed_at="-P9999Y"), f"last_accessed_at must be {A_TIME}"),
    (line(expires_at="0001-01-01T00:00+05:00"), f"expires_at must be {A_TIME}"),
    (line(source="x" * 256), "source must be at most 255 characters long"),
    (line(session_id="x" * 256), "session_id must be at most 255 characters long"),
    (line(layer="x" * 51), "layer must be at most 50 characters long"),
    (line(importance=2, tags=CANARY), "importance must be a number from 0 to 1; tags must be a list of texts"),
]


async def test_bad_lines_are_named_with_their_reasons_and_the_rest_is_loaded(any_pool):
    lines = [each for number, (bad, _) in enumerate(BAD_LINES) for each in (line(good=number), bad)]
    report = await imported(any_pool, *lines)
    assert [(bad.number, bad.reason) for bad in report.bad] == [
        (2 * position, reason) for position, (_, reason) in enumerate(BAD_LINES, start=1)
    ]
    assert report.added == len(BAD_LINES)
    assert CANARY not in repr(report)


async def test_depth_is_stored_or_reported_but_never_ends_the_import(pool):
    depths = range(1, 1100, 3)
    report = await imported(pool, *(with_json("[" * depth + "]" * depth) for depth in depths))
    assert report.added + report.bad_count == len(depths)
    assert {bad.reason for bad in report.bad} == {"nested too deeply"}
    assert report.added > 60


async def test_a_tenant_that_is_no_uuid_fits_only_a_store_whose_column_is_text(pool, rae_pool):
    assert (await imported(pool, line(tenant_id="acme"))).added == 1
    report = await imported(rae_pool, line(tenant_id="acme"), line())
    assert (report.added, report.bad) == (1, (BadLine(1, "tenant_id must be a UUID in this store"),))


async def test_the_second_line_with_an_id_is_bad_even_in_another_batch(pool, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_ROWS", 2)
    memory = uuid4()
    report = await imported(pool, line(id=str(memory)), line(), line(source="b"), line(id=memory.hex), line())
    assert (report.added, [bad.number for bad in report.bad]) == (3, [4, 5])
    assert all(bad.reason.startswith("an earlier line has the same id") for bad in report.bad)


async def test_an_id_whose_first_line_was_bad_is_still_free(pool):
    memory = str(uuid4())
    report = await imported(pool, line(id=memory, importance=2), line(id=memory))
    assert (report.added, report.bad_count) == (1, 1)


async def test_characters_that_postgres_cannot_hold_are_replaced_everywhere(rae_pool):
    told = "a\x00b\ud83dc \N{OWL} \\u0000"
    await imported(rae_pool, line(content=told, tags=[told], source=told, metadata={told: [told]}))
    row, kept = await only_row(rae_pool), "a\ufffdb\ufffdc \N{OWL} \\u0000"
    assert (row["content"], row["tags"], row["source"], row["metadata"]) == (kept, [kept], kept, {kept: [kept]})


async def test_only_the_rows_that_postgres_refuses_are_bad(any_pool):
    await execute(any_pool, "ALTER TABLE memories ADD CHECK (content NOT LIKE '%vulture%')")
    lines = [line(content="vulture and " + CANARY) if n in {7, 300, 301} else line(n=n) for n in range(1, 601)]
    report = await imported(any_pool, *lines)
    assert (report.read, report.added, [bad.number for bad in report.bad]) == (600, 597, [7, 300, 301])
    assert "CheckViolationError" in report.bad[0].reason
    assert CANARY not in repr(report)


async def test_batches_commit_one_by_one_and_a_broken_import_can_be_repeated(pool, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_ROWS", 10)
    lines = [line(n=n) for n in range(35)]

    def breaking():
        yield from lines[:25]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await import_memories(pool, breaking())
    report = await import_memories(pool, lines)
    assert (report.added, report.already_there) == (15, 20)


async def test_long_memories_make_shorter_batches_and_progress_counts_lines(pool, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_CHARACTERS", 10_000)
    seen: list[int] = []
    lines = [line(content="x" * 6000, n=n) for n in range(5)]
    report = await import_memories(pool, [*lines, "bad"], progress=seen.append)
    assert (report.added, seen) == (5, [2, 4, 6, 6])


async def test_lines_may_come_from_a_stream(pool):
    async def stream():
        for n in range(3):
            yield line(n=n)
        yield "bad"

    report = await import_memories(pool, stream())
    assert (report.added, report.bad[0].number) == (3, 4)


async def test_the_report_keeps_a_thousand_bad_lines_and_counts_all(pool):
    report = await import_memories(pool, ("bad" for _ in range(1200)))
    assert (report.read, report.bad_count, len(report.bad), report.bad[-1].number) == (1200, 1200, 1000, 1000)


async def waiting(pool, how_many):
    while await fetch_value(pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") < how_many:
        pass


async def test_two_imports_at_once_in_opposite_orders_do_not_deadlock(any_pool):
    lines = [line(id=str(UUID(int=n))) for n in range(1, 4)]
    async with any_pool.acquire() as other:
        writing = other.transaction()
        await writing.start()
        await import_memories(other, lines[1:2])
        imports = asyncio.gather(imported(any_pool, *lines), imported(any_pool, *reversed(lines)))
        await waiting(any_pool, 2)
        await writing.rollback()
    reports = await imports
    assert sorted((report.added, report.already_there) for report in reports) == [(0, 3), (3, 0)]


async def test_a_store_without_memories_is_an_error_and_not_two_bad_lines(pool):
    await execute(pool, "DROP TABLE memories")
    with pytest.raises(StoreError, match="migrate"):
        await imported(pool, line())


async def test_a_user_without_rights_is_an_error_and_not_a_bad_line(pool):
    await execute(pool, "ALTER TABLE memories ENABLE ROW LEVEL SECURITY")
    name = f"reader_{uuid4().hex[:8]}"
    await execute(pool, f"CREATE ROLE {name}; GRANT SELECT, INSERT ON memories TO {name}")
    async with pool.acquire() as connection:
        await connection.execute(f"SET ROLE {name}")
        with pytest.raises(StoreError, match="rights"):
            await import_memories(connection, [line()])
        await connection.execute("RESET ROLE")
    await execute(pool, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_ids_made_from_a_line_stay_the_same_from_version_to_version():
    assert read_line(line(), NOW).id == UUID("6c9c93f4-ad8d-5bfb-8c8e-c1eeac11bf29")
    assert read_line(line(project=None, embedding=[0.5]), NOW).id == UUID("6c9c93f4-ad8d-5bfb-8c8e-c1eeac11bf29")


def test_every_field_says_what_it_must_be():
    assert all(field.description for field in MemoryLine.model_fields.values())
