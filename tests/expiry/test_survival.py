"""Over simulated nights with agents at work no memory is lost silently, and what was archived comes back unchanged."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.expiry.archive import unarchive
from memory_maintenance.store.pool import Pool, execute, fetch
from tests.decay.conftest import make_lab, some
from tests.expiry.conftest import DAY, NIGHT, OTHER, TENANT, a_run, expire, left, remember

__all__ = ["make_lab"]

EMPTY = "TRUNCATE memories, maintenance.archive, maintenance.expiry_batches, maintenance.unarchived"
STATES = """
SELECT b.action, u.id FROM maintenance.expiry_batches b CROSS JOIN LATERAL unnest(b.memories) AS u (id) ORDER BY b.batch_id
"""
ARCHIVED = "SELECT memory_id FROM maintenance.archive"
ROWS = "SELECT id, m::text AS row FROM memories m WHERE tenant_id = $1"

DAYS = st.integers(-400, 60)
MEMORY = st.fixed_dictionaries({
    "created_at": DAYS.map(lambda days: NIGHT + timedelta(days=min(days, 0))),
    "expires_at": st.none() | DAYS.map(lambda days: NIGHT + timedelta(days=days)),
    "importance": st.sampled_from([0.1, 0.5, 0.5, 0.9]),
    "layer": st.sampled_from(["episodic", "wm", "semantic"]),
    "project": st.sampled_from(["harbour", "rail"]),
    "tags": st.lists(st.sampled_from(["pinned", "chatter", "legal"]), max_size=2),
    "source": st.sampled_from(["api", "summarization_worker"]),
})  # fmt: skip
SETTINGS = st.fixed_dictionaries({
    "memory_expiry": st.sampled_from(["off", "archive", "delete"]),
    "memory_expiry_grace_days": st.sampled_from([0, 30]),
    "memory_expiry_retention_days": st.sampled_from([0, 100]),
    "memory_expiry_retention_tags": st.sampled_from([{}, {"chatter": 7, "legal": 0}]),
    "memory_expiry_keep_per_project": st.sampled_from([0, 2]),
    "memory_expiry_retention_action": st.sampled_from(["archive", "delete"]),
    "memory_expiry_archive_days": st.sampled_from([0, 20]),
})  # fmt: skip


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("small")


NIGHTS = st.lists(st.tuples(SETTINGS, st.sampled_from(["nothing", "extend", "restore", "add"])), min_size=1, max_size=4)


async def agent(pool: Pool, what: str, at: Any) -> UUID | None:
    """Do what an agent or an operator does between two nights; return the memory that is new."""
    if what == "extend":
        await execute(
            pool, "UPDATE memories SET expires_at = $1 WHERE tenant_id = $2 AND project = 'rail'", at + DAY, TENANT
        )
    if what == "restore":
        await unarchive(pool, tenant_id=TENANT)
    return await remember(pool, created_at=at - 5 * DAY, importance=0.3) if what == "add" else None


@some(25)
@given(memories=st.lists(MEMORY, min_size=1, max_size=8), nights=NIGHTS)
def test_every_memory_is_present_or_archived_or_named_in_an_audit_row(lab, memories, nights):
    async def year() -> None:
        await lab.pool.execute(EMPTY)
        ever = {await remember(lab.pool, **own) for own in memories}
        pinned = {row["id"] for row in await fetch(lab.pool, "SELECT id FROM memories WHERE 'pinned' = ANY (tags)")}
        theirs = {await remember(lab.pool, OTHER, **own) for own in memories}
        for number, (settings, what) in enumerate(nights):
            at = NIGHT + number * 30 * DAY
            before = await left(lab.pool)
            counts = await expire(lab.pool, a_run(at), **settings)
            here, newest = await left(lab.pool), {row["id"]: row["action"] for row in await fetch(lab.pool, STATES)}
            archived = {row["memory_id"] for row in await fetch(lab.pool, ARCHIVED)}

            assert here | newest.keys() >= ever
            assert {one for one, action in newest.items() if action == "archived"} == archived
            assert {one for one, action in newest.items() if action in ("deleted", "purged")} == ever - here - archived
            assert len(before) - len(here) == counts.of("archived", "deleted")
            assert not (await expire(lab.pool, a_run(at), **settings)).of("archived", "deleted", "purged", "busy")
            assert pinned <= here
            if new := await agent(lab.pool, what, at):
                ever.add(new)
        assert await left(lab.pool, OTHER) == theirs

    lab.run(year())


@some(15)
@given(memories=st.lists(MEMORY, min_size=1, max_size=8), settings=SETTINGS)
def test_what_was_archived_comes_back_to_the_last_bit(lab, memories, settings):
    async def night_and_back() -> None:
        await lab.pool.execute(EMPTY)
        for own in memories:
            await remember(lab.pool, **own)
        rows = {row["id"]: row["row"] for row in await fetch(lab.pool, ROWS, TENANT)}
        await expire(lab.pool, **settings)
        deleted = {row["id"] for row in await fetch(lab.pool, STATES) if row["action"] == "deleted"}
        await unarchive(lab.pool, tenant_id=TENANT)
        after = {row["id"]: row["row"] for row in await fetch(lab.pool, ROWS, TENANT)}
        assert after == {one: row for one, row in rows.items() if one not in deleted}

    lab.run(night_and_back())
