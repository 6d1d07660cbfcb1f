"""``migrate``: bring the store to the shape this version needs."""

from __future__ import annotations

import asyncio

from commands.console import out, progress_of, run, settings_for_command
from memory_maintenance.settings import Settings
from memory_maintenance.store.building import watch_builds
from memory_maintenance.store.migrate import migrate
from runtime.wiring import running_database_of


def migrate_store() -> None:
    """Create what the store lacks; what is there is only added to, never rewritten."""
    run(_migrate(settings_for_command()))
    out.print("the store is ready; next: starter.py schedules apply", highlight=False)


async def _migrate(settings: Settings) -> None:
    async with running_database_of(settings) as address:
        with progress_of() as bar:
            task = bar.add_task("migrating", total=None)
            watching = asyncio.create_task(
                watch_builds(
                    address,
                    lambda now: bar.update(
                        task, description=f"{now.index}: {now.phase}", completed=now.done, total=now.total or None
                    ),
                )
            )
            try:
                await migrate(address)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
