from datetime import UTC, datetime

from memory_maintenance.store.pool import execute, fetch_value

EARLIEST = "SELECT earliest_adoption FROM maintenance.store"


async def test_migrate_allows_an_early_adoption_before_the_first_run_only(cli, pool):
    told = await cli("migrate", "--earliest-adoption", "2024-01-01")
    assert (told.exit_code, told.stderr.count("\n")) == (0, 1)
    assert await fetch_value(pool, EARLIEST) == datetime(2024, 1, 1, tzinfo=UTC)
    await execute(pool, "UPDATE maintenance.store SET adopted_at = '2026-03-10 02:00Z'")
    told = await cli("migrate", "--earliest-adoption", "2023-01-01")
    assert (told.exit_code, "the first run was as of 2026-03-10 02:00 UTC" in told.stderr) == (0, True)
    assert await fetch_value(pool, EARLIEST) == datetime(2024, 1, 1, tzinfo=UTC)
