"""``backup``: the whole database in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from commands.console import run, say, settings_for_command
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import open_pool
from runtime.backup import back_up
from runtime.wiring import running_database_of


def back_up_store(
    file: Annotated[Path, typer.Argument(help="File to write, in the custom format of pg_dump; it must not exist.")],
) -> None:
    """Back up the whole database of the store with pg_dump, while agents and workers go on."""
    size = run(_back_up(settings_for_command(), file), interrupted="no backup was written")
    say(f"wrote {file}: {decimal(size)}, with the text of every memory")
    say(f"restore: pg_restore --clean --if-exists --no-owner --dbname ADDRESS {file}")


async def _back_up(settings: Settings, file: Path) -> int:
    async with running_database_of(settings) as address:
        # Where nothing answers or lets us in, this says so as every command does.
        pool = await open_pool(address, size=1, timeout_seconds=settings.database_timeout_seconds)
        await pool.close()
        return await back_up(address, file)
