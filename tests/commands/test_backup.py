"""``backup`` writes what ``pg_restore`` makes the same database of."""

import asyncio
import stat
from pathlib import Path

import asyncpg
import pytest

from embedded.postgres import client_program
from memory_maintenance.errors import StoreError
from runtime.backup import back_up
from tests.agents import write
from tests.conftest import database_url
from tests.documents.test_own_servers import CONTENTS


async def contents(url):
    connection = await asyncpg.connect(url)
    try:
        [row] = await connection.fetch(CONTENTS)
        return tuple(row)
    finally:
        await connection.close()


async def test_a_backup_is_restored_to_the_same_database(cli, pool, store_url, empty_url, tmp_path):
    await write(pool, "acme", ["red", "blue"])
    told = await cli("backup", tmp_path / "memories.dump")
    assert (told.exit_code, "with the text of every memory" in told.stdout) == (0, True), told.output
    assert stat.S_IMODE((tmp_path / "memories.dump").stat().st_mode) == 0o600
    command = [str(client_program("pg_restore")), "--clean", "--if-exists", "--no-owner", "--dbname", empty_url]
    restoring = await asyncio.create_subprocess_exec(*command, str(tmp_path / "memories.dump"))
    assert await restoring.wait() == 0
    assert await contents(empty_url) == await contents(store_url)


async def test_what_pg_dump_says_is_the_error_and_no_file_is_left(store_url, tmp_path):
    with pytest.raises(StoreError, match=r'no backup was written, pg_dump failed: .*"nowhere" does not exist'):
        await back_up(database_url(store_url, "nowhere"), tmp_path / "memories.dump")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "url", "says"),
    [
        ("there.dump", None, "there.dump cannot be written: File exists"),
        ("no/folder.dump", None, "no/folder.dump cannot be written: No such file or directory"),
        ("new.dump", "postgresql://ana:hunter2@127.0.0.1:1/rae", "127.0.0.1:1/rae does not answer"),
    ],
)
async def test_what_cannot_be_backed_up_is_said_in_a_line_and_leaves_no_file(cli, tmp_path, file, url, says):
    (tmp_path / "there.dump").write_text("kept")
    told = await cli("backup", tmp_path / file, **({"DATABASE_URL": url} if url else {}))
    assert (told.exit_code, says in told.stderr, "hunter2" in told.output) == (1, True, False), told.stderr
    assert [path.name for path in Path(tmp_path).glob("*.dump")] == ["there.dump"]
    assert (tmp_path / "there.dump").read_text() == "kept"
