"""What was made from memories that expiry takes away: it stays, for they left by a rule."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from memory_maintenance.expiry.archive import unarchive
from memory_maintenance.inspection.stale import count_stale
from memory_maintenance.store.pool import execute
from memory_maintenance.work import Run
from tests.agents import derived, write
from tests.expiry.conftest import expire
from tests.summarization.test_stale import ANNA, NEXT, NIGHT, OTHERS, night

LATER = NEXT + timedelta(days=30)


@pytest.fixture
def tenant() -> str:
    return str(uuid4())


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


async def test_after_events_came_back_their_deletion_by_others_is_found(any_pool, tenant):
    ids = await summarized_and_archived(any_pool, tenant)
    assert (await unarchive(any_pool, tenant_id=tenant)).restored == len(ids)
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1)", ids[:5])
    assert (await count_stale(any_pool)).gone == 5
