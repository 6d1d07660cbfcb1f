"""A store that an earlier version left: nothing of it is written again, and it goes on."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.settings import Settings
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value
from tests.agents import AS_OF, talk, write
from tests.conftest import NIGHTS_OF_THE_PAST, RAE_TABLE, _run_on_server, a_pool

EARLIER = (Path(__file__).parent / "store_of_0003.sql").read_text()
NEXT_NIGHT = json.loads((Path(__file__).parent / "night_after_0003.json").read_text())
"""The importance that the version before left of each memory, run on this store one night later."""
LAST_NIGHT = AS_OF + timedelta(days=1)
TENANT = "0a000000-0000-4000-8000-00000000000a"

OLD = """
SELECT tenant_id, event_id, summary_id FROM maintenance.covered_events
UNION
SELECT tenant_id::text, said::uuid, id
FROM memories CROSS JOIN LATERAL jsonb_array_elements_text(metadata->'source_ids') AS source (said)
"""
NEW = "SELECT tenant_id, source_id, derived_id FROM maintenance.lineage"
STATE = """
SELECT 'memory' AS kind, xmin::text, md5(m::text) AS row FROM memories m
UNION ALL SELECT 'lineage', xmin::text, md5(l::text) FROM maintenance.lineage l
UNION ALL SELECT 'dream', xmin::text, md5(d::text) FROM maintenance.dreams d
"""


@pytest.fixture
async def earlier_url(empty_url):
    await _run_on_server(empty_url, RAE_TABLE + EARLIER)
    return empty_url


@pytest.fixture
async def earlier(earlier_url):
    async with a_pool(earlier_url, size=4) as pool:
        yield pool


async def rows(pool: Pool, sql: str) -> list[tuple[str, ...]]:
    return sorted(tuple(map(str, row)) for row in await fetch(pool, sql))


async def night(pool: Pool, at=LAST_NIGHT) -> dict[str, Any]:
    settings = Settings.model_validate({"rae_llm_backend": "extractive", "dreaming_enabled": True})
    stats = await MaintenanceScheduler(pool, settings).run_daily_maintenance(as_of=at)
    return {
        task: {name: count for name, count in stats[task].items() if count and name != "tenants_processed"}
        for task in ("summarization", "dreaming")
    }


async def test_every_source_is_in_lineage_also_those_that_are_gone_and_no_memory_is_rewritten(earlier, earlier_url):
    before, memories = await rows(earlier, OLD), await rows(earlier, "SELECT id, xmin, ctid FROM memories")
    await migrate(earlier_url)
    assert await rows(earlier, NEW) == before
    there = {row[0] for row in memories}
    assert [len([row for row in before if (row[1] in there) == kept]) for kept in (True, False)] == [76, 2]
    assert await rows(earlier, "SELECT id, xmin, ctid FROM memories") == memories


async def values(pool: Pool) -> dict[str, Any]:
    """Return importance and base of every memory: JSON of a float has all of its bits."""
    found = await fetch(pool, "SELECT id::text, importance, base_importance, decayed_importance FROM memories")
    return {row["id"]: tuple(row)[1:] for row in found}


async def test_an_upgrade_leaves_every_importance_as_it_is_to_the_last_bit(earlier, earlier_url):
    before = await values(earlier)
    await migrate(earlier_url)
    assert await values(earlier) == before
    assert await fetch_value(earlier, "SELECT decay_retained FROM maintenance.store") == 0


@pytest.mark.parametrize("chosen", [{}, {"memory_decay_retained": 0}], ids=["nothing chosen", "a share of 0"])
async def test_the_first_night_after_it_leaves_what_the_earlier_version_would_have_left(earlier, earlier_url, chosen):
    await migrate(earlier_url)
    settings = Settings.model_validate({"rae_llm_backend": "extractive", **chosen})
    stats = await DecayWorker(earlier, settings).run_decay_cycle(as_of=LAST_NIGHT + timedelta(days=1))
    assert stats == {"total_tenants": 2, "total_updated": 89}
    assert {memory: left for memory, (left, *_) in (await values(earlier)).items()} == NEXT_NIGHT


async def test_a_share_that_is_asked_for_after_it_is_kept_of_the_bases_that_were_there(earlier, earlier_url):
    bases = {memory: base for memory, (_, base, _) in (await values(earlier)).items() if base is not None}
    await migrate(earlier_url)
    settings = Settings.model_validate({"rae_llm_backend": "extractive", "memory_decay_retained": 0.7})
    await DecayWorker(earlier, settings).run_decay_cycle(as_of=LAST_NIGHT + timedelta(days=1))
    after = await values(earlier)
    lost = {memory: (base - after[memory][0], base - NEXT_NIGHT[memory]) for memory, base in bases.items()}
    assert all(kept == pytest.approx(0.3 * whole, rel=1e-6) for kept, whole in lost.values())


async def test_lineage_says_of_whom_about_what_and_when(earlier, earlier_url):
    await migrate(earlier_url)
    found = await rows(
        earlier,
        "SELECT l.task, l.subject, count(*), bool_and(l.derived_at = m.created_at) FROM maintenance.lineage l "
        "JOIN memories m ON m.id = l.derived_id GROUP BY l.tenant_id, l.derived_id, 1, 2",
    )
    assert found == [
        ("dreaming", "shop", "8", "True"),
        ("summarization", "n1", "10", "True"),
        ("summarization", "s1", "12", "True"),
        ("summarization", "s1", "14", "True"),
        ("summarization", "s2", "11", "True"),
        ("summarization", "s2", "12", "True"),
        ("summarization", "s3", "11", "True"),
    ]


async def test_the_next_night_writes_what_has_lost_a_source_again_and_the_one_after_it_nothing(earlier, earlier_url):
    await migrate(earlier_url)
    lost = {"reasons": {"sources_gone": 1}, "dreams_skipped": 1}
    assert await night(earlier) == {"summarization": {"updated": 1}, "dreaming": lost}
    before = await rows(earlier, STATE)
    assert await night(earlier) == {"summarization": {}, "dreaming": {}}
    assert await rows(earlier, STATE) == before


@pytest.mark.parametrize(
    ("session", "shape", "summary"),
    [
        pytest.param("s1", {}, "f170d6e6-f385-51df-8330-469c89837209", id="whole"),
        pytest.param("s2", {}, "37f31df0-b680-56ee-b1c2-91c41eb61d1e", id="the second part of an edited one"),
        pytest.param("n1", {"project": None}, "8e218a75-89cd-5f49-987c-426eb1b5ca3f", id="without a project"),
    ],
)
async def test_a_session_that_grows_keeps_the_summary_it_had(earlier, earlier_url, session, shape, summary):
    await migrate(earlier_url)
    await write(earlier, TENANT, talk(10, first=300), session=session, start=LAST_NIGHT - timedelta(hours=3), **shape)
    texts = await rows(earlier, "SELECT id, content FROM memories WHERE source = 'summarization_worker'")
    assert (await night(earlier, LAST_NIGHT + timedelta(hours=1)))["summarization"] == {
        "updated": 1 if session == "s1" else 2  # of s1 a source is gone, so it is written again anyway
    }
    changed = set(await rows(earlier, "SELECT id, content FROM memories WHERE source = 'summarization_worker'")) - set(
        texts
    )
    assert {row[0] for row in changed} == {summary, "f170d6e6-f385-51df-8330-469c89837209"}


async def test_without_the_schema_summaries_and_reflections_are_known_by_themselves(earlier, earlier_url):
    await execute(earlier, "DROP SCHEMA maintenance CASCADE")
    await execute(earlier, "UPDATE memories SET metadata = metadata - 'source_ids'")
    await migrate(earlier_url)
    await execute(earlier, NIGHTS_OF_THE_PAST)
    texts = await rows(earlier, "SELECT id FROM memories WHERE source <> 'agent'")
    assert (await night(earlier))["summarization"] == {"updated": 5}
    assert await rows(earlier, "SELECT id FROM memories WHERE source <> 'agent'") == texts
