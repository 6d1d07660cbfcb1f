"""Where orders about a Schedule are carried out, on Temporal, and written down, in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from temporalio.client import Client

from commands.console import settings_for_command, show_note
from embedded.stack import Stack
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.orders import Action, record_order
from memory_maintenance.work import Kind
from runtime.client import connect
from runtime.wiring import running_pool, running_stack_of

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an order about a Schedule is carried out and written down."""

    settings: Settings
    stack: Stack
    client: Client
    kind: Kind
    by: str | None
    reason: str | None

    async def write_down(self, action: Action, **details: str | int) -> None:
        """Keep what was carried out. Without the store that is said, and no more: it has to work then, too."""
        try:
            async with running_pool(self.settings, self.stack) as pool:
                await record_order(pool, None, action, by=self.by, reason=self.reason, schedule=self.kind, **details)
        except MaintenanceError as error:
            show_note(f"done, but not written down: {error}; starter.py doctor says more")


async def at_the_desk(
    kind: Kind, by: str | None, reason: str | None, order: Callable[[Desk], Awaitable[Result]]
) -> Result:
    """Carry out *order* about the Schedule of *kind*, and return what it returns."""
    settings = settings_for_command()
    async with running_stack_of(settings) as stack:
        client = await connect(stack.temporal_address, settings)
        return await order(Desk(settings, stack, client, kind, by, reason))
