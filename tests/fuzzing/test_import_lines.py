"""Whatever a line of an import says, it is a memory or one bad line, and quotes nothing."""

import json
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.import_line import MemoryLine, read_line
from memory_maintenance.store.importing import import_memories
from memory_maintenance.store.pool import execute, fetch_value
from tests.fuzzing.anything import SECRET, few, fuzzed, instants, objects, texts, values

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
LINES = objects(
    id=st.uuids().map(str) | texts,
    tenant_id=st.sampled_from(["acme", "bolt"]),
    content=texts,
    importance=st.floats(-0.1, 1.1),
    tags=st.lists(texts, max_size=3),
    usage_count=st.integers(-1, 2**31),
    timestamp=instants,
    created_at=instants,
    last_accessed_at=instants,
    strength=st.floats(),
    metadata=st.dictionaries(texts, values, max_size=2),
    governance=st.dictionaries(texts, values, max_size=2),
)


def read(line: str | bytes) -> MemoryLine | None:
    try:
        return read_line(line, NOW)
    except InvalidRequestError as error:
        assert SECRET not in str(error)
        assert "\n" not in str(error)
    return None


@given(st.text(max_size=200) | st.binary(max_size=200) | values.map(json.dumps))
@fuzzed
def test_any_text_is_a_memory_or_a_bad_line(line):
    read(line)


@given(LINES)
@fuzzed
def test_any_object_is_a_memory_within_bounds_or_a_bad_line(said):
    if memory := read(json.dumps(said)):
        assert 0 <= memory.importance <= 1
        assert memory.content.strip()
        assert isinstance(memory.id, UUID)
        assert "\x00" not in memory.model_dump_json()


@given(st.lists(LINES.map(json.dumps), min_size=1, max_size=8))
@few
async def test_every_line_is_counted_and_those_beside_a_bad_one_are_stored(pool, lines):
    await execute(pool, "TRUNCATE memories")
    report = await import_memories(pool, [*lines, '{"tenant_id": "acme", "content": "the last line"}'], now=NOW)
    assert report.read == len(lines) + 1 == report.added + report.already_there + report.bad_count
    assert await fetch_value(pool, "SELECT count(*) FROM memories") == report.added >= 1
    assert SECRET not in "".join(line.reason for line in report.bad)
