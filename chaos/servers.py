"""Postgres and Temporal, the real ones, that can be killed and come back with their data at the same address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGQUIT, Signals

from chaos.ports import free_port
from embedded.postgres import running_postgres
from embedded.process import Server
from embedded.temporal import running_temporal


@dataclass(slots=True)
class Killable:
    """A server that runs, or is dead and will be started again."""

    begin: Callable[[], AbstractAsyncContextManager[Server]]
    death: Signals
    _running: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _server: Server | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """Return where it answers while it runs; the same after every start."""
        assert self._server is not None  # noqa: S101  started
        return self._server.address

    async def start(self) -> None:
        """Start it on what it has left behind, and wait until it answers."""
        self._server = await self._running.enter_async_context(self.begin())

    async def kill(self) -> None:
        """End it with no time to tidy up."""
        assert self._server is not None  # noqa: S101  started
        self._server.process.send_signal(self.death)
        await self._server.process.wait()
        await self.stop()

    async def stop(self) -> None:
        """End it in peace."""
        await self._running.aclose()


def postgres(home: Path) -> Killable:
    """Return Postgres in *home*; its death is an immediate shutdown: no checkpoint, recovery at the next start."""
    return Killable(lambda: running_postgres(home / "postgres", log=home / "postgres.log"), SIGQUIT)


def temporal(home: Path) -> Killable:
    """Return the dev server with its database file in *home*; its death is kill -9."""
    port = free_port()
    database, log = home / "temporal.db", home / "temporal.log"
    return Killable(lambda: running_temporal(database, log=log, port=port), SIGKILL)
