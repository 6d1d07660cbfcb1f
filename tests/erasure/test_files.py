"""After VACUUM FULL and a checkpoint the files of the tables hold nothing of what was forgotten."""

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from embedded.postgres import running_postgres
from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import order_erasure
from memory_maintenance.erasure.selection import Selector
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import open_pool
from tests.agents import json_codec, talk, write
from tests.conftest import NIGHTS_OF_THE_PAST
from tests.summarization.test_stale import ANNA, NEXT, NIGHT, OTHERS, SETTINGS, found_anywhere, night


def files_with(folder: Path, traces: list[bytes]) -> set[str]:
    """Return the files below *folder* that hold one of *traces*."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.name for file in files if any(trace in file.read_bytes() for trace in traces)}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["forgotten", "deleted by others, and a night"])
async def test_the_files_of_the_tables_hold_nothing_after_vacuum_full_and_a_checkpoint(how):
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-files-"))
    folder.chmod(0o711)
    traces = [b"Bergstrom", b"Lindenallee", b"8829174", b"bergstrom"]
    async with running_postgres(folder / "data", log=folder / "postgres.log") as server:
        await migrate(server.address)
        pool = await open_pool(server.address, size=4, timeout_seconds=30, init=json_codec)
        await pool.execute(NIGHTS_OF_THE_PAST)
        ids = await write(pool, "acme", ANNA + OTHERS, session="s", importance=0.8)
        await night(pool, NIGHT)
        await write(pool, "acme", talk(12), session="s", start=NIGHT + timedelta(hours=2), importance=0.8)
        await night(pool, NEXT)  # which writes the summary again, and keeps the earlier text
        await pool.execute("CHECKPOINT")
        assert await asyncio.to_thread(files_with, folder / "data" / "base", traces)
        if how == "forgotten":
            order = await order_erasure(pool, Selector("acme", subject="Bergstrom"), by=None, reason=None)
            await Erasure(pool, SETTINGS, files=[folder / "postgres.log"]).carry_out(order)
        else:
            await pool.execute("DELETE FROM memories WHERE id = ANY ($1)", ids[: len(ANNA)])
            await night(pool, NEXT + timedelta(days=1))
        assert await found_anywhere(pool) == set()
        await pool.execute("VACUUM FULL")
        await pool.execute("CHECKPOINT")
        assert await asyncio.to_thread(files_with, folder / "data" / "base", traces) == set()
        await pool.close()
    shutil.rmtree(folder)
