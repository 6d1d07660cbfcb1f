import json

from memory_maintenance.operations.tenants import pause
from tests.agents import write
from tests.nights import night

NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "RAE_LLM_BACKEND": "extractive"}


async def test_without_temporal_it_shows_what_the_store_knows_and_ends_with_1(cli, pool):
    await write(pool, "acme", ["a"])
    await pause(pool, "bolt", by="ana", reason="backup")
    await night(pool)
    told = await cli("status", **NOWHERE)
    assert (told.exit_code, "Temporal does not answer" in told.stderr) == (1, True)
    for part in (
        "last daily success: 2026-03-10 03:00 UTC", "decay: 1 tenants have never been decayed", "no session is due",
        "tenants: 2, 1 paused", "bolt paused since", "(ana: backup)", "no model (extractive); today 0 of",
    ):  # fmt: skip
        assert part in told.stdout


async def test_as_data_what_is_not_known_is_null(cli, pool):
    await night(pool)
    told = json.loads((await cli("status", "--json", **NOWHERE)).stdout)
    assert told["running"] is None
    assert [one["kind"] for one in told["last_success"]] == ["daily"]
    assert told["lag"]["due_sessions"] == 0
