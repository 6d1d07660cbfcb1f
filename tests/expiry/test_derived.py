"""What was made from memories that expiry takes away: it stays, and forgetting reaches the archive, too."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import order_erasure
from memory_maintenance.erasure.selection import Selector, gone_sources
from memory_maintenance.expiry.archive import unarchive
from memory_maintenance.inspection.stale import count_stale
from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.work import Run
from tests.agents import derived, write
from tests.expiry.conftest import expire, left
from tests.summarization.test_stale import ANNA, NEXT, NIGHT, OTHERS, SETTINGS, found_anywhere, night

LATER = NEXT + timedelta(days=30)


async def summarized_and_archived(pool, tenant) -> list[UUID]:
    """Summarize a session, and archive its events by a retention of ten days."""
    ids = await write(pool, tenant, [*ANNA, *OTHERS], session="s", importance=0.8)
    await night(pool, NIGHT)
    run = Run(cycle_id=uuid4(), as_of=LATER)
    counts = await expire(pool, run, tenant, memory_expiry="off", memory_expiry_retention_days=10)
    assert counts.of("archived") == len(ids)
    return ids


async def test_a_summary_outlives_the_events_that_retention_archives(any_pool, tenant):
    await summarized_and_archived(any_pool, tenant)
    [before] = await derived(any_pool, tenant)
    assert (await count_stale(any_pool)).stale == 0
    await night(any_pool, LATER)
    [after] = await derived(any_pool, tenant)
    assert (after["id"], after["content"]) == (before["id"], before["content"])


async def test_what_a_memory_said_before_it_was_edited_does_not_outlive_it_where_retention_takes_it(any_pool, tenant):
    ids = await write(any_pool, tenant, [*ANNA, *OTHERS], session="s", importance=0.8)
    await night(any_pool, NIGHT)
    await execute(any_pool, "UPDATE memories SET content = 'A. paid.' WHERE id = ANY ($1)", ids[: len(ANNA)])
    run = Run(cycle_id=uuid4(), as_of=LATER)
    await expire(any_pool, run, tenant, memory_expiry="off", memory_expiry_retention_days=10)
    await night(any_pool, LATER)
    assert await found_anywhere(any_pool) == set()


@pytest.mark.parametrize(
    "chosen",
    [
        {"memory_expiry": "off", "memory_expiry_retention_days": 10, "memory_expiry_retention_action": "delete"},
        {"memory_expiry": "off", "memory_expiry_retention_days": 10},
        {"memory_expiry": "archive"},
    ],
    ids=["retention deletes", "retention archives", "expired ones are archived"],
)
async def test_a_repair_does_not_take_what_expiry_took_away_for_what_others_deleted(pool, tenant, chosen):
    ids = await write(pool, tenant, [*ANNA, *OTHERS], session="s", importance=0.8)
    await night(pool, NIGHT)
    await execute(pool, "UPDATE memories SET expires_at = $1 WHERE id = ANY ($2)", LATER, ids)
    counts = await expire(pool, Run(cycle_id=uuid4(), as_of=LATER), tenant, **chosen)
    assert counts.of("archived", "deleted") == len(ids)
    assert await gone_sources(pool, tenant) == []


async def test_after_events_came_back_their_deletion_by_others_is_found(any_pool, tenant):
    ids = await summarized_and_archived(any_pool, tenant)
    assert (await unarchive(any_pool, tenant_id=tenant)).restored == len(ids)
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1)", ids[:5])
    assert (await count_stale(any_pool)).gone == 5


async def test_what_is_archived_is_forgotten_too(any_pool, tenant):
    await summarized_and_archived(any_pool, tenant)
    order = await order_erasure(any_pool, Selector(tenant, subject="Bergstrom"), by="ana", reason=None)
    certificate = await Erasure(any_pool, SETTINGS).carry_out(order)
    assert await found_anywhere(any_pool) == set()
    assert certificate["residue"]["score"] == 0.0
    archived = "SELECT count(*) FROM maintenance.archive WHERE tenant_id = $1"
    assert await fetch_value(any_pool, archived, tenant) == len(OTHERS)
    assert len(await left(any_pool, tenant)) <= 1
