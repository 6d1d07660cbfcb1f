from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from memory_maintenance.changes.applying import apply_change, reject_change
from memory_maintenance.changes.change import Change, Replacement, changes, propose
from memory_maintenance.changes.undoing import undo, undo_change
from memory_maintenance.decay.policy import DecayRule
from memory_maintenance.decay.task import Decay
from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import order_erasure
from memory_maintenance.erasure.selection import Selector
from memory_maintenance.errors import ChangeNotFoundError, ChangeRefusedError, InvalidRequestError
from memory_maintenance.expiry.archive import unarchive
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Run
from tests.expiry.conftest import a_run, expire

TENANT = str(UUID(int=7))
NIGHT = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = UUID(int=1), UUID(int=2)
SETTINGS = Settings(_env_file=None)
CYCLE = uuid4()
INSERT = """
INSERT INTO memories (id, tenant_id, content, importance, usage_count, created_at, last_accessed_at, metadata)
VALUES ($1, $2, 'the lamp is ' || $3, $4, $5, $6, $7, '{"weight": 1.10}'), (gen_random_uuid(), $2, 'other', 1, 0, $6, $7, NULL)
"""


async def _night(pool, at):
    decay = Decay(Tools(pool, SETTINGS))
    await decay.decay(Tenant(TENANT, SETTINGS), Run(cycle_id=uuid4(), as_of=at), DecayRule())


async def _rows(pool) -> dict[UUID, Any]:
    return {row[0]: row[1] for row in await fetch(pool, "SELECT id, m::text FROM memories m")}


async def _row(pool, memory_id) -> Any:
    [row] = await fetch(pool, "SELECT * FROM memories WHERE id = $1", memory_id)
    return row


async def _propose(pool, loser=OLD, winner=NEW, **others) -> int:
    [proposal] = await _proposals(pool, loser, winner, **others)
    return proposal.change_id


async def _proposals(pool, loser=OLD, winner=NEW, **others) -> list[Change]:
    rows = await fetch(pool, "SELECT id, maintenance.fingerprint(content) AS said FROM memories")
    said = {row["id"]: row["said"] for row in rows}
    pair = Replacement(
        TENANT, "duplicates", "exact", loser, winner, "same_text", (said[loser], said[winner]), takes_use=True,
        notes={"duplicate_of": str(winner)}, cycle_id=CYCLE, **others
    )  # fmt: skip
    return await propose(pool, [pair])


@pytest.fixture
async def store(any_pool):
    await execute(any_pool, INSERT, OLD, TENANT, "red", 0.8, 3, NIGHT - 9 * DAY, NIGHT - DAY)
    await execute(any_pool, INSERT, NEW, TENANT, "red.", 0.5, None, NIGHT - 3 * DAY, NIGHT - 2 * DAY)
    return any_pool


async def test_a_replaced_memory_is_demoted_at_once_and_the_other_takes_its_use(store):
    await _night(store, NIGHT)
    before = await _row(store, OLD)
    made = await apply_change(store, await _propose(store), as_of=NIGHT)
    old, new = await _row(store, OLD), await _row(store, NEW)
    assert made.status == "applied"
    assert old["importance"] == old["decayed_importance"] == before["importance"] * 0.25
    assert (old["base_importance"], old["demotion"], old["content"]) == (0.8, 0.25, before["content"])
    assert (old["metadata"]["duplicate_of"], old["usage_count"]) == (str(NEW), 3)
    assert (new["usage_count"], new["last_accessed_at"], new["demotion"]) == (3, NIGHT - DAY, None)


@pytest.mark.parametrize("seen", [True, False], ids=["decayed before", "first seen afterwards"])
async def test_the_nights_before_and_after_make_no_difference_to_a_demoted_importance(store, seen):
    if seen:
        await _night(store, NIGHT - timedelta(minutes=1))
    await execute(store, "UPDATE maintenance.store SET adopted_at = $1", NIGHT - timedelta(minutes=1))
    await apply_change(store, await _propose(store), as_of=NIGHT)
    await _night(store, NIGHT + 9 * DAY)
    demoted = (await _row(store, OLD))["importance"]
    await undo(store, str(OLD))
    await _night(store, NIGHT + 9 * DAY)
    assert demoted == (await _row(store, OLD))["importance"] * 0.25


@pytest.mark.parametrize("decayed", [True, False])
@pytest.mark.parametrize("uses", [3, 0, None])
async def test_undoing_restores_every_row_to_the_last_bit(store, decayed, uses):
    await execute(store, "UPDATE memories SET usage_count = $2 WHERE id = $1", OLD, uses)
    if decayed:
        await _night(store, NIGHT)
    before = await _rows(store)
    await apply_change(store, change_id := await _propose(store), as_of=NIGHT)
    assert await _rows(store) != before
    [undone] = await undo(store, str(change_id), by="ana", reason="differ")
    assert (undone.refused, undone.already) == (None, False)
    assert await _rows(store) == before
    [change] = await changes(store, tenant_id=TENANT)
    assert (change.status, change.decided_by, change.decided_reason) == ("undone", "ana", "differ")


async def test_applying_and_undoing_twice_is_once(store):
    change_id = await _propose(store)
    await apply_change(store, change_id, as_of=NIGHT)
    applied = await _rows(store)
    await apply_change(store, change_id, as_of=NIGHT)
    assert await _rows(store) == applied
    await undo_change(store, change_id)
    undone = await _rows(store)
    assert (await undo_change(store, change_id)).already
    assert await _rows(store) == undone


@pytest.mark.parametrize("target", [str(CYCLE), str(OLD)], ids=["cycle", "memory"])
async def test_a_chain_of_changes_is_undone_in_reverse_order(store, target):
    before = await _rows(store)
    third = next(key for key in before if key not in (OLD, NEW))
    for loser, winner in ((OLD, NEW), (NEW, third)):
        change_id = await _propose(store, loser, winner)
        await apply_change(store, change_id, as_of=NIGHT)
    undone = await undo(store, target)
    assert [one.refused for one in undone] == [None] * (2 if target == str(CYCLE) else 1)
    if target == str(CYCLE):
        assert await _rows(store) == before


@pytest.mark.parametrize(
    ("wrote", "why"),
    [
        ("UPDATE memories SET importance = 0.9 WHERE id = $1", "an agent has set the importance"),
        ("UPDATE memories SET metadata = '{}' WHERE id = $1", "an agent has changed the metadata"),
        ("UPDATE memories SET demotion = 0.5 WHERE id = $1", "was changed again"),
        ("DELETE FROM memories WHERE id = $1", "is gone"),
    ],
)
async def test_undoing_is_refused_where_an_agent_has_written_since(store, wrote, why):
    await apply_change(store, change_id := await _propose(store), as_of=NIGHT)
    await execute(store, wrote, OLD)
    before = await _rows(store)
    undone = await undo_change(store, change_id)
    assert why in (undone.refused or "")
    assert await _rows(store) == before


async def test_uses_since_are_kept_when_a_change_is_undone(store):
    await apply_change(store, change_id := await _propose(store), as_of=NIGHT)
    await execute(
        store, "UPDATE memories SET usage_count = usage_count + 5, last_accessed_at = $2 WHERE id = $1", NEW, NIGHT
    )
    await undo_change(store, change_id)
    new = await _row(store, NEW)
    assert (new["usage_count"], new["last_accessed_at"]) == (5, NIGHT)


@pytest.mark.parametrize(
    ("wrote", "why"),
    [
        ("UPDATE memories SET content = 'the lamp is blue' WHERE id = $1", "was edited since"),
        ("DELETE FROM memories WHERE id = $1", "is gone"),
        ("UPDATE memories SET demotion = 0.5 WHERE id = $1", "was demoted since"),
    ],
)
@pytest.mark.parametrize("which", [OLD, NEW], ids=["demoted", "in favour of"])
async def test_accepting_is_refused_where_a_memory_has_changed(store, wrote, why, which):
    change_id = await _propose(store)
    await execute(store, wrote, which)
    before = await _rows(store)
    with pytest.raises(ChangeRefusedError, match=why):
        await apply_change(store, change_id, as_of=NIGHT)
    assert await _rows(store) == before


async def test_a_rejected_pair_is_neither_applied_nor_proposed_again(store):
    change_id = await _propose(store)
    assert (await reject_change(store, change_id, by="ana", reason=None)).status == "rejected"
    with pytest.raises(ChangeRefusedError, match="rejected"):
        await apply_change(store, change_id, as_of=NIGHT)
    assert await _proposals(store) == await _proposals(store, NEW, OLD) == []


async def test_a_tenants_change_touches_no_other_tenants_row(store):
    change_id = await _propose(store)
    await execute(store, "UPDATE maintenance.changes SET tenant_id = $1", str(UUID(int=8)))
    before = await _rows(store)
    with pytest.raises(ChangeRefusedError, match="gone"):
        await apply_change(store, change_id, as_of=NIGHT)
    assert await _rows(store) == before


async def test_what_names_no_change_is_refused(store):
    with pytest.raises(ChangeNotFoundError):
        await undo(store, "7")
    for target in ("seven", str(uuid4())):
        with pytest.raises(InvalidRequestError):
            await undo(store, target)
    assert await fetch_value(store, "SELECT count(*) FROM maintenance.changes") == 0


@pytest.mark.parametrize("used", [False, True])
async def test_what_an_archived_memory_had_taken_over_is_not_its_own_when_it_comes_back(store, used):
    before = await _rows(store)
    await apply_change(store, change_id := await _propose(store), as_of=NIGHT)
    await execute(store, "UPDATE memories SET expires_at = $1 WHERE id = $2", NIGHT, NEW)
    if used:
        sql = "UPDATE memories SET usage_count = usage_count + 5, last_accessed_at = $1 WHERE id = $2"
        await execute(store, sql, NIGHT, NEW)
    assert (await expire(store, a_run(NIGHT), TENANT)).of("archived") == 1
    assert (await undo_change(store, change_id)).refused is None
    await unarchive(store, tenant_id=TENANT)
    await execute(store, "UPDATE memories SET expires_at = NULL")
    new = await _row(store, NEW)
    if used:
        assert (new["usage_count"], new["last_accessed_at"]) == (5, NIGHT)
    else:
        assert await _rows(store) == before


async def test_an_archived_memory_whose_replacement_is_forgotten_comes_back_with_its_rank(store):
    untouched = await _row(store, OLD)
    await apply_change(store, await _propose(store), as_of=NIGHT)
    await execute(store, "UPDATE memories SET expires_at = $1 WHERE id = $2", NIGHT, OLD)
    await expire(store, a_run(NIGHT), TENANT)
    order = await order_erasure(store, Selector(ids=(NEW,)), by="ana", reason=None)
    await Erasure(store, SETTINGS).carry_out(order)
    await unarchive(store, tenant_id=TENANT)
    row = await _row(store, OLD)
    assert (row["demotion"], row["metadata"], row["base_importance"]) == (None, untouched["metadata"], 0.8)


@pytest.mark.usefixtures("store")
async def test_where_what_replaced_a_memory_is_forgotten_it_has_its_rank_again_and_no_change_is_left(any_pool):
    untouched = (await _row(any_pool, OLD))["metadata"]
    await apply_change(any_pool, await _propose(any_pool), as_of=NIGHT)
    await Erasure(any_pool, SETTINGS).carry_out(
        await order_erasure(any_pool, Selector(ids=(NEW,)), by="ana", reason=None)
    )
    left = await _row(any_pool, OLD)
    assert (left["demotion"], left["metadata"]) == (None, untouched)
    assert await fetch_value(any_pool, "SELECT count(*) FROM maintenance.changes") == 0
    await _night(any_pool, NIGHT + DAY)
    assert 0.75 < (await _row(any_pool, OLD))["importance"] < 0.8
