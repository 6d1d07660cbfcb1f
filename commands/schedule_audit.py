"""Orders about a Schedule: carried out on Temporal, then recorded in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio.client import Client

from commands.console import settings_for_command, show_note
from embedded.stack import Stack
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.orders import Action, record_order
from memory_maintenance.work import Kind
from runtime.client import connect
from runtime.wiring import running_pool, running_stack_of


@dataclass(frozen=True, slots=True)
class ScheduleOrder:
    """An order about the Schedule of *kind*, and what it takes to carry it out and to record it."""

    client: Client
    kind: Kind
    by: str | None
    reason: str | None
    settings: Settings
    stack: Stack

    async def record(self, action: Action, **details: str | int) -> None:
        """Record the order, which is carried out; where the store is away, a note says that it was not recorded."""
        try:
            async with running_pool(self.settings, self.stack.database_url) as pool:
                await record_order(pool, None, action, by=self.by, reason=self.reason, schedule=self.kind, **details)
        except MaintenanceError as error:
            show_note(f"done, but not recorded in the store: {error}; starter.py doctor says more")

    def in_words(self, what: str) -> str:
        """Return the order as a Schedule's note has it: ``resumed by ana: the backup is restored``."""
        return f"{what} by {self.by}" + (f": {self.reason}" if self.reason else "")


@asynccontextmanager
async def schedule_order(kind: Kind, by: str | None, reason: str | None) -> AsyncIterator[ScheduleOrder]:
    """Yield an order about a Schedule, with a connection to Temporal to carry it out."""
    settings = settings_for_command()
    async with running_stack_of(settings) as stack:
        client = await connect(stack.temporal_address, settings)
        yield ScheduleOrder(client, kind, by, reason, settings, stack)
