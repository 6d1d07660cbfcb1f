"""Stores that people have: what the night, ``doctor`` and the metric say of each."""

from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.errors import PreflightError
from memory_maintenance.inspection.cycles import find_cycle
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.agents import talk, write
from tests.conftest import a_pool
from tests.preflight.conftest import as_role, doctor, metric, night, settings, skew

CYCLES = "SELECT status FROM maintenance.cycles"
ROUNDING = (
    "CREATE FUNCTION rounded() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN NEW.importance := round(NEW.importance::numeric, 2); RETURN NEW; END $$",
    "CREATE TRIGGER rounds BEFORE UPDATE ON memories FOR EACH ROW EXECUTE FUNCTION rounded()",
)


@pytest.mark.parametrize(
    ("deeds", "check", "found"),
    [
        pytest.param(
            ["DELETE FROM memories"], "empty_store", "memories in schema public of database test_", id="no memory at all"
        ),
        pytest.param(
            [
                "ALTER TABLE memories ALTER tenant_id DROP NOT NULL",
                "INSERT INTO memories (tenant_id, content) VALUES (NULL, 'a'), (NULL, 'b')",
            ],
            "null_tenants", "2 memories have no tenant", id="memories of no tenant",
        ),
        pytest.param(
            ["ALTER TABLE memories ALTER tenant_id DROP NOT NULL", "UPDATE memories SET tenant_id = NULL"],
            "empty_store", "no row of a tenant", id="memories of no tenant alone",
        ),
        pytest.param(
            ["CREATE SCHEMA backup", "CREATE TABLE backup.memories AS SELECT * FROM memories"],
            None, "", id="a copy elsewhere of a table that is not empty",
        ),
        pytest.param([], None, "", id="a store as it should be"),
    ],
)  # fmt: skip
async def test_what_is_suspicious_is_a_warning_and_the_night_goes_on(pool, deeds, check, found):
    await write(pool, "acme", talk(3))
    for deed in deeds:
        await execute(pool, deed)
    said = {one["check"]: one for one in (await night(pool))["preflight"]}
    assert await fetch_value(pool, CYCLES) == "completed"
    if check is None:
        assert said == {}
        assert await metric(pool) == set()
        return
    assert (said[check]["severity"], found in said[check]["found"]) == ("warning", True)
    assert ("daily", check, "warning") in await metric(pool)
    verdict = (await doctor(pool))[check.replace("_", " ")]
    assert (verdict.level, found in verdict.found) == ("warning", True)


@pytest.mark.parametrize(
    ("deeds", "check", "found", "advice"),
    [
        pytest.param(
            ["CREATE SCHEMA agents", "ALTER TABLE memories SET SCHEMA agents"],
            "memories_elsewhere", "leads to no table memories, and there is agents.memories",
            "SET search_path = agents, public", id="in another schema",
        ),
        pytest.param(
            ['ALTER TABLE memories RENAME TO "Memories"'],
            "memories_elsewhere", 'there is public."Memories"', 'ALTER TABLE public."Memories" RENAME TO memories',
            id="in capitals",
        ),
        pytest.param(
            [
                "CREATE SCHEMA agents", "ALTER TABLE memories SET SCHEMA agents",
                "CREATE TABLE memories (LIKE agents.memories INCLUDING ALL)",
            ],
            "memories_elsewhere", "public.memories, to which the search_path leads, is empty, and there is agents.memories",
            "SET search_path = agents, public", id="an empty table in front of it",
        ),
        pytest.param(
            ["DROP TABLE memories CASCADE"], "memories_missing", "no table memories in database test_", "starter.py migrate",
            id="no table",
        ),
        pytest.param(
            ["UPDATE maintenance.tenants SET decay_started_as_of = now() + interval '60 days'"],
            "clock_behind", "it is behind, or was ahead", "starter.py decay rewind", id="a run of decay in the future",
        ),
        pytest.param(
            ["UPDATE maintenance.cycles SET started_at = now() + interval '60 days'"],
            "clock_behind", "it is behind, or was ahead", "starter.py decay rewind", id="a cycle in the future",
        ),
    ],
)  # fmt: skip
async def test_what_makes_the_store_unusable_stops_the_night_with_its_reason(pool, deeds, check, found, advice):
    await write(pool, "acme", talk(3))
    await night(pool)
    for deed in deeds:
        await execute(pool, deed)
    with pytest.raises(PreflightError) as raised:
        await night(pool)
    assert raised.value.reason == check
    assert found in str(raised.value)
    assert advice in str(raised.value)
    stopped = await fetch_value(
        pool, "SELECT cycle_id::text FROM maintenance.cycles WHERE status = 'failed' ORDER BY completed_at DESC LIMIT 1"
    )
    cycle = await find_cycle(pool, stopped)
    assert cycle.failure is not None
    assert (cycle.failure.error_type, cycle.failure.message) == ("PreflightError", str(raised.value))
    if "missing" not in check:
        verdict = (await doctor(pool))[check.replace("_", " ")]
        assert (verdict.level, found in verdict.found) == ("failure", True)
        assert ("daily", check, "stop") in await metric(pool)


async def test_a_stop_of_a_dry_run_is_raised_and_not_recorded(pool):
    await execute(pool, 'ALTER TABLE memories RENAME TO "Memories"')
    with pytest.raises(PreflightError):
        await run_maintenance(pool, settings(), dry_run=True)
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.cycles") == 0


async def test_a_night_that_was_stopped_does_not_stop_the_next(pool, store_url):
    await write(pool, "acme", talk(3))
    await skew(pool, "60 days")
    async with a_pool(store_url) as skewed:
        with pytest.raises(PreflightError):
            await night(skewed)
    await execute(pool, "UPDATE maintenance.cycles SET started_at = now() + interval '60 days'")
    assert (await night(pool))["decay"]["total_updated"] == 3


@pytest.mark.parametrize("name", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
async def test_a_time_out_that_is_shorter_than_a_step_is_a_warning_with_its_value(pool, store_url, role, name):
    await write(pool, "acme", talk(3))
    await execute(pool, f"GRANT ALL ON SCHEMA maintenance, public TO {role}")
    await execute(pool, f"GRANT ALL ON ALL TABLES IN SCHEMA maintenance, public TO {role}")
    await execute(pool, f"ALTER ROLE {role} SET {name} = '900ms'")
    async with a_pool(as_role(store_url, role)) as short:
        said = {one["check"]: one["found"] for one in (await night(short))["preflight"]}
        assert said == {"timeouts": f"shorter than a step may take: {name} is 900 ms (set by: user)"}
        assert (await doctor(short))["timeouts"].level == "warning"
    assert await metric(pool) == {("daily", "timeouts", "warning")}


async def test_a_role_that_only_reads_stops_the_night(pool, store_url, role):
    await execute(pool, f"GRANT ALL ON SCHEMA maintenance, public TO {role}")
    await execute(pool, f"GRANT ALL ON ALL TABLES IN SCHEMA maintenance, public TO {role}")
    await execute(pool, f"ALTER ROLE {role} SET default_transaction_read_only = on")
    async with a_pool(as_role(store_url, role)) as reader:
        with pytest.raises(PreflightError, match="standby: the server is read-only for worker_"):
            await night(reader)
        assert (await doctor(reader))["standby"].level == "failure"


@pytest.mark.parametrize(
    ("deed", "changes"),
    [
        ("ALTER TABLE memories DROP COLUMN usage_count", "column usage_count was dropped"),
        ("ALTER TABLE memories ALTER source TYPE text", "column source was character varying(255) and is text"),
        ("; ".join(ROUNDING), "trigger rounds was added"),
        ("ALTER TABLE memories ADD COLUMN theirs text", None),
    ],
)
async def test_a_table_that_changed_is_named_until_a_daily_run_has_seen_it(pool, deed, changes):
    await write(pool, "acme", talk(3))
    assert (await night(pool))["preflight"] == []
    async with pool.acquire() as connection:
        await connection.execute(deed)
    for kind in ("hourly", "daily", "daily"):
        verdict = (await doctor(pool))["table shape"]
        assert (verdict.level == "warning", (changes or "") in verdict.found) == (
            changes is not None,
            True,
        ) or not changes
        said = [one["found"] for one in (await night(pool, kind))["preflight"] if one["check"] == "table_shape"]
        wanted = [] if changes is None else [f"memories has changed since the last daily run: {changes}"]
        assert said == wanted
        if kind == "daily":
            changes = None


@pytest.mark.parametrize(("saved", "warns"), [(6, True), (5, False)])
async def test_programs_that_save_whole_rows_are_a_warning(pool, saved, warns):
    await write(pool, "acme", [str(n) for n in range(100)], importance=0.9)
    await write(pool, "acme", ["more"] * 100, importance=0.9)
    read = "SELECT id, importance FROM memories WHERE content::text ~ '^[0-9]+$' AND content::integer < $1"
    for days in (4, 3, 2):
        rows = await fetch(pool, read, saved * 2)
        await DecayWorker(pool, settings()).run_decay_cycle(as_of=datetime.now(UTC) - timedelta(days=days))
        for row in rows:
            await execute(pool, "UPDATE memories SET importance = $2 WHERE id = $1", *row)
    found = {one["check"]: one["found"] for one in (await night(pool))["preflight"]}
    assert list(found) == (["saved_back"] if warns else [])
    assert not warns or "(acme: 12 of 200)" in found["saved_back"]


async def test_a_second_decay_is_a_warning_of_the_night(pool):
    await write(pool, "acme", [str(n) for n in range(100)])
    for days in (3, 2, 1):
        await DecayWorker(pool, settings()).run_decay_cycle(as_of=datetime.now(UTC) - timedelta(days=days))
        await execute(pool, "UPDATE memories SET importance = importance * 0.99")
    [finding] = (await night(pool))["preflight"]
    assert (finding["check"], finding["severity"]) == ("values", "warning")
    assert await metric(pool) == {("daily", "values", "warning")}
