"""``memories archive``: list, restore, purge."""

import json

from memory_maintenance.store.pool import fetch_value
from tests.expiry.conftest import DAY, NIGHT, TENANT, a_run, expire, left, remember

PAST = NIGHT - DAY


async def test_what_was_archived_is_listed_restored_and_listed_as_restored(pool, cli):
    assert (await cli("memories", "archive", "list")).stdout == "nothing has left the store by expiry\n"
    ids = {await remember(pool, expires_at=PAST) for _ in range(3)}
    derived = await remember(pool, source="summarization_worker")
    lineage = "INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task) VALUES ($1, $2, $3, 'dreaming')"
    await pool.execute(lineage, TENANT, derived, min(ids))
    await expire(pool)

    [batch] = json.loads((await cli("memories", "archive", "list", "--json")).stdout)
    assert (batch["reasons"], batch["in_archive"], set(batch["memories"])) == ({"expired": 3}, 3, set(map(str, ids)))
    listed = (await cli("memories", "archive", "list", "--tenant", TENANT)).stdout
    assert "3 expired" in listed
    assert "the last source of 1 derived memories that stay" in listed

    dry = await cli("memories", "archive", "restore", "--tenant", TENANT, "--dry-run", "--json")
    assert json.loads(dry.stdout) == {"restored": 3, "left": 0, "dry_run": True}
    told = await cli(
        "memories", "archive", "restore", "--batch", batch["batch_id"], "--by", "ana", "--reason", "needed"
    )
    assert told.stdout == "restored 3 memories (ana: needed)\n"
    assert await left(pool) == {*ids, derived}
    newest = json.loads((await cli("memories", "archive", "list", "--json")).stdout)[0]
    assert (newest["action"], newest["ordered_by"]) == ("restored", "ana")


async def test_a_memory_whose_id_is_taken_is_said_to_be_left(pool, cli):
    memory = await remember(pool, expires_at=PAST)
    await expire(pool)
    await remember(pool, id=memory)
    told = await cli("memories", "archive", "restore", "--memory", memory, "--by", "ana")
    assert told.stdout == "restored 0 memories (ana); 1 left in the archive: their id or another key is taken\n"


async def test_what_is_due_is_purged_by_command(pool, cli):
    await remember(pool, expires_at=NIGHT - 500 * DAY)
    await expire(pool, a_run(NIGHT - 400 * DAY))
    assert (await cli("memories", "archive", "purge", "--dry-run")).stdout.startswith("would purge 1 memories")
    assert json.loads((await cli("memories", "archive", "purge", "--json")).stdout) == {"purged": 1, "dry_run": False}
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.archive") == 0


async def test_what_to_restore_has_to_be_said(cli):
    told = await cli("memories", "archive", "restore")
    assert (told.exit_code, told.stderr) == (2, "error: say what to restore: --tenant, --memory or --batch\n")
