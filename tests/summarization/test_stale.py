"""A summary of whose sources some are gone, expired or edited is written again from what is left, or removed."""

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.inspection.stale import count_stale
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.agents import AS_OF, derived, sources_of, talk, write
from tests.pools import DiedError, dying

NIGHT, NEXT = AS_OF, AS_OF + timedelta(days=1)
ANNA = [
    "Anna Bergstrom lives in Lindenallee 47 in Potsdam.",
    "Anna Bergstrom can be reached by phone at 0331 8829174.",
    "Anna Bergstrom ordered a cello bow for 340 euros.",
    "Call Anna Bergstrom at 0331 8829174 before the delivery to Lindenallee 47.",
    "Anna Bergstrom paid by bank transfer.",
]
OTHERS = [
    "Tom Vermeer ordered twelve violin strings for 96 euros.",
    "Tom Vermeer asked for delivery to Gent on 14 March 2026.",
    "The workshop in Gent closes at 17:30 on Fridays.",
    "Mara Claes returned a viola case because the lock was broken.",
    "Mara Claes got a refund of 75 euros.",
    "The supplier Dupont raised the price of rosin to 11 euros.",
    "The courier now picks parcels up at 15:45.",
]
TRACES = ("bergstrom", "lindenallee", "8829174")
SETTINGS = Settings.model_validate(
    {"rae_llm_backend": "extractive", "dreaming_enabled": True, "dreaming_min_importance": 0.4}
)


async def night(pool, as_of=NEXT):
    return await run_maintenance(pool, SETTINGS, as_of=as_of)


async def found_anywhere(pool, traces=TRACES) -> set[str]:
    """Return the tables in which a column holds one of *traces*."""
    names = await fetch(
        pool,
        "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables"
        " WHERE table_schema IN ('public', 'maintenance') AND table_type = 'BASE TABLE'",
    )
    like = [f"%{trace}%" for trace in traces]
    return {
        row["name"]
        for row in names
        if await fetch_value(pool, f"SELECT EXISTS (SELECT FROM {row['name']} t WHERE t::text ILIKE ANY ($1))", like)  # noqa: S608
    }


async def test_after_somebody_deleted_a_persons_rows_one_night_leaves_nothing_of_them_and_keeps_the_others(
    any_pool, tenant
):
    mixed = [text for pair in zip(ANNA, OTHERS[:5], strict=True) for text in pair] + OTHERS[5:]
    ids = await write(any_pool, tenant, mixed, session="s", importance=0.8)
    await night(any_pool, NIGHT)
    assert await found_anywhere(any_pool) >= {"public.memories"}
    (before,) = await derived(any_pool, tenant)
    assert any(trace in before["content"].lower() for trace in TRACES)
    gone = [one for one, text in zip(ids, mixed, strict=True) if text in ANNA]
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1)", gone)
    counts = await count_stale(any_pool)
    assert (counts.stale, counts.gone, counts.deleted) == (1, 5, 0)
    await night(any_pool)
    assert await found_anywhere(any_pool) == set()
    assert (await count_stale(any_pool)).stale == 0
    (summary,) = await derived(any_pool, tenant)
    assert summary["id"] == before["id"]
    assert "Vermeer" in summary["content"]
    assert await sources_of(any_pool, summary["id"]) == set(ids) - set(gone)
    assert (await night(any_pool, NEXT + timedelta(days=1)))["summarization"]["updated"] == 0


async def test_a_night_that_died_anywhere_leaves_nothing_of_a_deleted_person_once_another_one_has_run(pool):
    for commits in itertools.count(1):
        tenant = str(uuid4())
        ids = await write(pool, tenant, ANNA + OTHERS, session="s", importance=0.8)
        await run_maintenance(pool, SETTINGS, as_of=NIGHT, tenant_ids=[tenant])
        await write(pool, tenant, talk(12), session="s", start=NIGHT + timedelta(hours=3), importance=0.8)
        await run_maintenance(pool, SETTINGS, as_of=NEXT, tenant_ids=[tenant])
        await execute(pool, "DELETE FROM memories WHERE id = ANY ($1)", ids[: len(ANNA)])
        third = NEXT + timedelta(days=1)
        died = False
        try:
            await run_maintenance(dying(pool, after=commits), SETTINGS, as_of=third, tenant_ids=[tenant])
        except DiedError:
            died = True
            await run_maintenance(pool, SETTINGS, as_of=third + timedelta(days=1), tenant_ids=[tenant])
        assert (await found_anywhere(pool), len(await derived(pool, tenant))) == (set(), 1), commits
        if not died:
            break
    assert commits > 2  # decay, and the summary at least


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param("UPDATE memories SET content = 'Anna paid 512 euros.' WHERE id = $1", "512", id="edited"),
        pytest.param(
            "UPDATE memories SET expires_at = created_at + interval '1 minute' WHERE id = $1", "", id="expired"
        ),
    ],
)
async def test_a_source_that_was_edited_or_has_expired_makes_the_summary_due(pool, tenant, change, says):
    (secret,) = await write(pool, tenant, [ANNA[0]], session="s", importance=0.9)
    await write(pool, tenant, OTHERS + ANNA[4:] * 2, session="s")
    await night(pool, NIGHT)
    await execute(pool, change, secret)
    assert (await night(pool))["summarization"]["updated"] == 1
    (summary,) = await derived(pool, tenant)
    assert "Lindenallee" not in summary["content"]
    assert says in summary["content"]


async def test_a_summary_of_which_too_little_is_left_is_removed_with_its_lineage(any_pool, tenant):
    ids = await write(any_pool, tenant, ANNA + OTHERS, session="s")
    await night(any_pool, NIGHT)
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1)", ids[2:])
    await night(any_pool)
    assert await derived(any_pool, tenant) == []
    assert await fetch_value(any_pool, "SELECT count(*) FROM maintenance.lineage") == 0


async def test_a_session_whose_summary_somebody_deleted_is_summarized_again(any_pool, tenant):
    await write(any_pool, tenant, ANNA + OTHERS, session="s")
    await night(any_pool, NIGHT)
    (before,) = await derived(any_pool, tenant)
    await execute(any_pool, "DELETE FROM memories WHERE id = $1", before["id"])
    assert (await count_stale(any_pool)).deleted == 1
    assert (await night(any_pool))["summarization"]["stored"] == 1
    (again,) = await derived(any_pool, tenant)
    assert (again["id"], again["content"]) == (before["id"], before["content"])


async def test_a_summary_that_somebody_edited_is_left_as_it_is(pool, tenant):
    ids = await write(pool, tenant, ANNA + OTHERS, session="s")
    await night(pool, NIGHT)
    await execute(pool, "UPDATE memories SET content = 'My own words.' WHERE source = 'summarization_worker'")
    await execute(pool, "DELETE FROM memories WHERE id = $1", ids[0])
    await night(pool)
    assert [row["content"] for row in await derived(pool, tenant)] == ["My own words."]
