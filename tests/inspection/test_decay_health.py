"""What doctor says of decay: what it leaves, whether accesses are recorded, and who else sets importance."""

from datetime import timedelta

import pytest

from memory_maintenance.inspection.health import Check
from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import Pool, execute
from tests.agents import write
from tests.inspection.conftest import NIGHT
from tests.settings import settings

DAY = timedelta(days=1)


async def _checks(pool: Pool) -> dict[str, Check]:
    return {check.name: check for check in await store_checks(pool, settings())}


@pytest.mark.parametrize(
    ("share", "chosen", "level", "found"),
    [
        pytest.param(0.7, {}, "ok", "staged decay leaves 0.7", id="a new store"),
        pytest.param(0.0, {}, "note", "leaves 0 of what the agent said (-3.1 points of recall", id="one that decayed before"),
        pytest.param(0.0, {"memory_decay_retained": 0.7}, "ok", "leaves 0.7", id="a setting says so"),
        pytest.param(0.7, {"memory_decay_retained": 0.3}, "note", "not measured", id="a setting says less"),
        pytest.param(0.0, {"memory_decay_policy": "bounded"}, "ok", "bounded decay leaves 0.7", id="bounded"),
        pytest.param(0.0, {"memory_importance_decay_enabled": False}, "ok", "leaves 0", id="decay is off"),
    ],
)  # fmt: skip
async def test_decay_that_leaves_little_is_noted_with_what_it_costs(pool, share, chosen, level, found):
    await execute(pool, "UPDATE maintenance.store SET decay_retained = $1", share)
    checks = {check.name: check for check in await store_checks(pool, settings(**chosen))}
    assert (checks["decay"].level, found in checks["decay"].found) == (level, True)


@pytest.mark.parametrize(
    ("memories", "accessed", "level"),
    [
        pytest.param(99, False, "ok", id="too few to tell"),
        pytest.param(100, False, "note", id="no access"),
        pytest.param(100, True, "ok", id="one was accessed"),
    ],
)
async def test_a_store_in_which_nothing_is_ever_accessed_is_noted(pool, memories, accessed, level):
    await write(pool, "acme", [f"memory {n}" for n in range(memories)])
    await execute(pool, "UPDATE memories SET last_accessed_at = created_at")
    if accessed:
        await execute(pool, "UPDATE memories SET last_accessed_at = now() WHERE content = 'memory 7'")
    assert (await _checks(pool))["accesses"].level == level


@pytest.mark.parametrize(
    ("nights", "share", "level"),
    [
        pytest.param(3, 0.6, "warning", id="two nights running"),
        pytest.param(2, 0.6, "ok", id="one night: an agent may do that"),
        pytest.param(3, 0.4, "ok", id="less than half"),
    ],
)
async def test_a_second_decay_is_recognized_by_memories_that_look_set_every_night(pool, nights, share, level):
    await write(pool, "acme", [f"{n}" for n in range(100)], start=NIGHT - 9 * DAY, importance=0.8)
    for number in range(nights):
        await DecayWorker(pool, settings()).run_decay_cycle(as_of=NIGHT + number * DAY)
        await execute(
            pool, "UPDATE memories SET importance = importance * 0.99 WHERE content::integer < $1", share * 100
        )
    check = (await _checks(pool))["values"]
    assert check.level == level
    assert level == "ok" or "acme: 60 of 100" in check.found


async def test_a_trigger_that_rounds_is_reported_with_what_spares_the_writing(pool):
    await execute(
        pool,
        "CREATE FUNCTION rounded() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN NEW.importance := round(NEW.importance::numeric, 2); RETURN NEW; END $$",
    )
    await execute(pool, "CREATE TRIGGER r BEFORE UPDATE ON memories FOR EACH ROW EXECUTE FUNCTION rounded()")
    await write(pool, "acme", ["a", "b"], start=NIGHT - 9 * DAY, importance=0.8)
    await DecayWorker(pool, settings()).run_decay_cycle(as_of=NIGHT)
    check = (await _checks(pool))["rounding"]
    assert (check.level, "acme: 2 memories" in check.found) == ("warning", True)
    assert "MEMORY_DECAY_TOLERANCE" in (check.advice or "")
