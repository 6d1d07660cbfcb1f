"""The connection to Temporal: one data converter, one clear error."""

from __future__ import annotations

import asyncio

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.settings import Settings


class TemporalUnreachableError(MaintenanceError):
    """Nothing answers as a Temporal frontend at the address."""

    retryable = True

    def __init__(self, address: str) -> None:
        super().__init__(
            f"Temporal does not answer at {address}: start the server, or correct TEMPORAL_ADDRESS "
            "(unset it to use the embedded one)"
        )


async def connect(
    address: str, settings: Settings, *, runtime: Runtime | None = None, patience_seconds: float = 10
) -> Client:
    """Connect to the Temporal frontend at *address*.

    Raises:
        TemporalUnreachableError: nobody answered within *patience_seconds*.
    """
    try:
        async with asyncio.timeout(patience_seconds):
            return await Client.connect(
                address,
                namespace=settings.temporal_namespace,
                data_converter=pydantic_data_converter,
                runtime=runtime,
            )
    except (RuntimeError, RPCError, TimeoutError, OSError):
        raise TemporalUnreachableError(address) from None
