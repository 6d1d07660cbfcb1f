"""``migrate``: bring the store to the shape this version needs."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from commands.console import progress_of, run, say, settings_for_command, show_note
from commands.instants import instant
from memory_maintenance.decay.progress import allow_adoption
from memory_maintenance.settings import Settings
from memory_maintenance.store.building import watch_builds
from memory_maintenance.store.migrate import migrate
from runtime.wiring import in_store, running_database_of


def migrate_store(
    earliest_adoption: Annotated[
        datetime | None,
        typer.Option(
            parser=instant,
            metavar="TIME",
            help="Let the store's first run count time since TIME (a date or a time in ISO 8601), if it asks for an "
            "--as-of that old; by default it counts at most one day before now.",
        ),
    ] = None,
) -> None:
    """Create what the store lacks; what is there is only added to, never rewritten."""
    adopted_at = run(
        _migrate(settings_for_command(), earliest_adoption),
        interrupted="the migrations that are complete stay; the same command applies the rest",
    )
    if adopted_at is not None:
        show_note(f"--earliest-adoption has no effect: the first run was as of {adopted_at:%Y-%m-%d %H:%M} UTC")
    say("the store is ready; next: starter.py schedules apply")


async def _migrate(settings: Settings, earliest_adoption: datetime | None) -> datetime | None:
    """Migrate the store; return when it was adopted where *earliest_adoption* comes too late to matter."""
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
    if earliest_adoption is None:
        return None
    return await in_store(settings, lambda pool: allow_adoption(pool, earliest_adoption))
