from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from memory_maintenance.decay.policy import decayed
from memory_maintenance.errors import AsOfInFutureError, MemoryNotFoundError
from memory_maintenance.inspection.decay import RuleOrigin, explain_decay, rule_origin
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.settings import TenantOverrides
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from tests.agents import write
from tests.inspection.conftest import NIGHT
from tests.settings import settings

DAY = timedelta(days=1)


async def _decay(pool, as_of, **changes):
    await DecayWorker(pool, settings(**changes)).run_decay_cycle(as_of=as_of)


async def _explain(pool, memory_id, as_of=NIGHT, **changes):
    [why] = await explain_decay(pool, settings(**changes), [memory_id], as_of=as_of)
    return why


async def _one(pool, tenant="acme", **changes):
    [memory_id] = await write(pool, tenant, ["a memory"], start=NIGHT - 20 * DAY, importance=0.8, **changes)
    await execute(pool, "UPDATE memories SET last_accessed_at = NULL WHERE id = $1", memory_id)
    return memory_id


@pytest.mark.parametrize("changes", [{}, {"memory_decay_policy": "bounded"}, {"memory_decay_layers": "sm=0.5,em=3"}])
async def test_the_calculation_comes_to_what_the_table_holds(sampled, changes):
    for night in (NIGHT, NIGHT + 50 * DAY):
        await _decay(sampled, night, **changes)
    stored = {row["id"]: row["importance"] for row in await fetch(sampled, "SELECT id, importance FROM memories")}
    explained = await explain_decay(sampled, settings(**changes), list(stored), as_of=NIGHT + 50 * DAY)
    assert len(explained) == 1132
    assert [why.memory_id for why in explained] == list(stored)
    for why in explained:
        assert why.importance == pytest.approx(stored[why.memory_id], abs=1e-12)
        assert why.agrees
        assert not why.is_due
    assert {why.outcome.verdict for why in explained} >= {"known"}


async def test_before_the_first_run_it_tells_what_that_will_find(sampled):
    memory_id = await fetch_value(sampled, "SELECT id FROM memories ORDER BY created_at LIMIT 1")
    foreseen = await _explain(sampled, memory_id)
    await _decay(sampled, NIGHT)
    found = await _explain(sampled, memory_id)
    assert (foreseen.outcome.verdict, found.outcome.verdict) == ("first_sight", "known")
    assert foreseen.outcome.importance == pytest.approx(found.stored, abs=1e-12)
    assert (foreseen.is_due, found.is_due) == (True, False)


async def test_the_parts_multiply_to_the_result(pool):
    memory_id = await _one(pool)
    await _decay(pool, NIGHT)
    why = await _explain(pool, memory_id, as_of=NIGHT + 100 * DAY)
    assert [part.stage for part in why.parts] == ["regular", "stale"]
    assert why.outcome.importance == pytest.approx(why.outcome.base * why.factor, abs=1e-15)
    assert why.factor == pytest.approx(0.7 + 0.3 * 0.999**why.exposure_days, abs=1e-15)
    assert sum((part.length for part in why.parts), timedelta()) == 101 * DAY


@pytest.mark.parametrize("importance", [0.5, 0.1, 0.01])
async def test_it_tells_to_the_minute_when_a_memory_falls_to_an_importance(pool, importance):
    why = await _explain(pool, await _one(pool), memory_decay_retained=0.0)
    at, o = why.reaches(importance), why.outcome
    assert decayed(o.base, o.base_at, o.last_access, at, why.rule) <= importance
    assert decayed(o.base, o.base_at, o.last_access, at - timedelta(minutes=1), why.rule) > importance


@pytest.mark.parametrize(
    ("importance", "changes"),
    [
        pytest.param(0.5, {"memory_decay_policy": "bounded"}, id="bounded keeps more than that"),
        pytest.param(0.5, {}, id="staged keeps more than that"),
        pytest.param(0.9, {}, id="it is below already"),
        pytest.param(0.5, {"memory_importance_decay_enabled": False}, id="decay is off"),
    ],
)
async def test_an_importance_that_is_not_reached_has_no_time(pool, importance, changes):
    assert (await _explain(pool, await _one(pool), **changes)).reaches(importance) is None


@pytest.mark.parametrize(
    ("deed", "verdict"),
    [
        ("importance = 0.3", "set_by_agent"),
        ("importance = 'NaN'", "invalid"),
        ("tags = '{pinned}'", "protected"),
        ("created_at = now()", "future"),
        ("importance = 0.005, base_importance = NULL", "negligible"),
    ],
)
async def test_it_says_why_a_memory_is_not_decayed_from_its_base(pool, deed, verdict):
    memory_id = await _one(pool)
    await _decay(pool, NIGHT - DAY)
    await execute(pool, f"UPDATE memories SET {deed} WHERE id = $1", memory_id)  # noqa: S608
    why = await _explain(pool, memory_id)
    assert why.outcome.verdict == verdict
    assert why.agrees
    assert why.is_due == (verdict == "set_by_agent")
    assert why.in_words()


async def test_decay_that_was_off_is_shown_as_the_next_run_will_find_it(pool):
    memory_id = await _one(pool)
    await _decay(pool, NIGHT - 9 * DAY)
    await _decay(pool, NIGHT - 8 * DAY, memory_importance_decay_enabled=False)
    foreseen = await _explain(pool, memory_id)
    await _decay(pool, NIGHT)
    found = await _explain(pool, memory_id)
    assert (foreseen.outcome.verdict, foreseen.outcome.base_at) == ("resumed", NIGHT)
    assert (found.outcome.base, found.outcome.base_at) == (foreseen.outcome.base, NIGHT)


@pytest.mark.parametrize("change", ["paused", "off", "tolerance"])
async def test_nothing_is_due_where_no_run_would_write(pool, change):
    memory_id = await _one(pool)
    await _decay(pool, NIGHT - 5 * DAY)
    tolerance = 0.4 if change == "tolerance" else 0
    if change == "paused":
        await pause(pool, "acme")
    if change == "off":
        await override(pool, "acme", {"decay_enabled": False})
    why = await _explain(pool, memory_id, memory_decay_tolerance=tolerance)
    assert (why.paused, why.enabled) == (change == "paused", change != "off")
    assert why.agrees == (change == "off")
    assert not why.is_due


@pytest.mark.parametrize(
    ("overrides", "changes", "origin"),
    [
        ({}, {}, ("MEMORY_DECAY_POLICY", "MEMORY_BASE_DECAY_RATE", None, "MEMORY_DECAY_PROTECTED_TAGS", "store")),
        ({"decay_policy": "bounded"}, {}, ("override", "MEMORY_BASE_DECAY_RATE", None, "MEMORY_DECAY_PROTECTED_TAGS", "store")),
        ({"decay_rate": 0.5}, {}, ("MEMORY_DECAY_POLICY", "override", "MEMORY_MAX_DECAY_RATE", "MEMORY_DECAY_PROTECTED_TAGS", "store")),
        ({"protected_tags": ()}, {"memory_base_decay_rate": 0.0}, ("MEMORY_DECAY_POLICY", "MEMORY_BASE_DECAY_RATE", "MEMORY_MIN_DECAY_RATE", "override", "store")),
        ({"decay_retained": 0.0}, {}, ("MEMORY_DECAY_POLICY", "MEMORY_BASE_DECAY_RATE", None, "MEMORY_DECAY_PROTECTED_TAGS", "override")),
        ({}, {"memory_decay_retained": 0.4}, ("MEMORY_DECAY_POLICY", "MEMORY_BASE_DECAY_RATE", None, "MEMORY_DECAY_PROTECTED_TAGS", "MEMORY_DECAY_RETAINED")),
    ],
)  # fmt: skip
def test_it_says_where_the_rule_comes_from(overrides, changes, origin):
    assert rule_origin(settings(**changes), TenantOverrides(**overrides)) == RuleOrigin(*origin)


@pytest.mark.parametrize("column", ["created_at", "last_accessed_at", "base_importance_at"])
@pytest.mark.parametrize(
    "time", ["infinity", "-infinity", "294276-12-31 23:59Z", "4713-01-01 00:00Z BC", "0001-01-01", "1970-01-01"]
)
async def test_no_stored_time_is_without_an_explanation(pool, column, time):
    memory_id = await _one(pool)
    await _decay(pool, NIGHT - DAY)
    await execute(pool, f"UPDATE memories SET {column} = '{time}'")  # noqa: S608
    why = await _explain(pool, memory_id)
    await _decay(pool, NIGHT)
    stored = await fetch_value(pool, "SELECT importance FROM memories")
    assert why.in_words()
    assert why.importance == pytest.approx(stored, abs=1e-12)
    unknown = why.row.known_access is None and why.outcome.base_at is not None
    assert not unknown or why.outcome.last_access == why.outcome.base_at


async def test_a_memory_that_is_not_there_is_named(pool):
    missing = uuid4()
    with pytest.raises(MemoryNotFoundError, match=str(missing)):
        await _explain(pool, missing)


async def test_a_time_to_come_is_refused(pool):
    now = await fetch_value(pool, "SELECT now()")
    with pytest.raises(AsOfInFutureError):
        await _explain(pool, UUID(int=1), as_of=now + DAY)
