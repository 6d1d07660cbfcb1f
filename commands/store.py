"""``migrate``: bring the store to the shape this version needs."""

from __future__ import annotations

from commands.console import out, run, settings_for_command
from memory_maintenance.settings import Settings
from runtime.wiring import running_database_of


def migrate_store() -> None:
    """Create what the store lacks; what is there is only added to, never rewritten."""
    run(_migrate(settings_for_command()))
    out.print("the store is ready; next: starter.py schedules apply", highlight=False)


async def _migrate(settings: Settings) -> None:
    from memory_maintenance.database.migrate import migrate  # noqa: PLC0415  its docstring says why

    async with running_database_of(settings) as address:
        await migrate(address)
