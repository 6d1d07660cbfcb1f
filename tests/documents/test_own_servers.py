"""The commands of docs/own-servers.md copy what the embedded Postgres holds."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from embedded.postgres import running_postgres
from memory_maintenance.store.migrate import migrate
from tests.conftest import _run_on_server, database_url

ROOT = Path(__file__).parent.parent.parent
CONTENTS = """
SELECT (SELECT array_agg(m ORDER BY m.id)::text FROM memories m),
       (SELECT array_agg(t.table_name ORDER BY t.table_name)::text FROM information_schema.tables t
        WHERE t.table_schema = 'maintenance')
"""
MEMORIES = """
INSERT INTO memories (tenant_id, content, importance)
SELECT 'acme', 'memory ' || n, 0.5 FROM generate_series(1, 20) n
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's own folder: as root, Postgres runs as a user who could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


async def test_the_commands_of_the_page_copy_the_embedded_store(home, tmp_path):
    [commands] = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "own-servers.md").read_text(), re.DOTALL)
    (tmp_path / ".venv").symlink_to((ROOT / ".venv").resolve())
    options = ("-c", "fsync=off")
    async with running_postgres(home / "postgres", log=home / "postgres.log", options=options) as server:
        url = server.address
        await migrate(url)
        await _run_on_server(url, MEMORIES)
        await _run_on_server(url, "CREATE DATABASE own")
        own = database_url(url, "own")
        shell = await asyncio.create_subprocess_exec(
            "bash", "-ec", commands, cwd=tmp_path, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "MEMORY_MAINTENANCE_HOME": str(home), "DATABASE_URL": own},
        )  # fmt: skip
        _, complaint = await shell.communicate()
        assert shell.returncode == 0, complaint.decode()
        copies = []
        for address in (url, own):
            connection = await asyncpg.connect(address)
            copies += [tuple(row) for row in await connection.fetch(CONTENTS)]
            await connection.close()
        assert copies[0] == copies[1]
        assert copies[0][0].count("memory ") == 20
