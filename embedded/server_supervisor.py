"""The process that runs one server for all who use it: ``python -m embedded.server_supervisor NAME HOME LOCK``.

Each user of the server holds a connection to the supervisor's unix socket. The kernel closes it
when that process ends, however it ends, so counting connections is counting users: when the
last has gone the server is stopped. The first user is connected from birth, by standard input.

LOCK is a file descriptor with an exclusive lock. The server inherits it, so the lock is free
only when the supervisor and the server have both ended, and whoever gets it may start afresh.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Final

from embedded.postgres import running_postgres
from embedded.process import Server, socket_folder
from embedded.temporal import running_temporal
from memory_maintenance.errors import StackError

LINGER_SECONDS: Final = 1.0
"""One command after the other need not restart the server."""


class Users:
    """Those who are connected. Each is told *answer* and then only has to stay."""

    def __init__(self, answer: dict[str, str | None]) -> None:
        self._answer = as_line(answer)
        self._connected = 0
        self._change = asyncio.Event()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Count a user until its connection closes."""
        self._count(+1)
        with suppress(ConnectionError):
            writer.write(self._answer)
            await reader.read()
        writer.close()
        self._count(-1)

    async def gone(self) -> None:
        """Wait until there has been no user for ``LINGER_SECONDS``."""
        while True:
            self._change.clear()
            try:
                await asyncio.wait_for(self._change.wait(), None if self._connected else LINGER_SECONDS)
            except TimeoutError:
                return

    def _count(self, change: int) -> None:
        self._connected += change
        self._change.set()


def as_line(answer: dict[str, str | None]) -> bytes:
    """Return what a user reads: one line of JSON with ``address`` and ``ui_url``, or ``error``."""
    return json.dumps(answer).encode() + b"\n"


def socket_path(name: str, home: Path) -> Path:
    """Return where the supervisor of the server *name* listens."""
    return socket_folder(home, os.geteuid()) / f"{name}.sock"


def running_server(name: str, home: Path, lock: int) -> AbstractAsyncContextManager[Server]:
    """Return the server *name*, to be entered."""
    log = home / f"{name}.log"
    if name == "postgres":
        return running_postgres(home / "postgres", log=log, held=[lock])
    return running_temporal(home / "temporal.db", log=log, held=[lock])


async def keep(name: str, home: Path, lock: int, first: socket.socket) -> None:
    """Run the server until its users have gone, it ends by itself, or SIGTERM comes."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        async with running_server(name, home, lock) as server:
            await _serve(server, socket_path(name, home), first, stop)
    except (StackError, OSError) as error:
        with suppress(OSError):
            first.sendall(as_line({"error": str(error)}))


async def _serve(server: Server, path: Path, first: socket.socket, stop: asyncio.Event) -> None:
    users = Users({"address": server.address, "ui_url": server.ui_url})
    _remove(path)  # of a supervisor that was killed
    listener = await asyncio.start_unix_server(users.serve, path)
    first_user = asyncio.create_task(users.serve(*await asyncio.open_unix_connection(sock=first)))
    ends = [asyncio.create_task(end) for end in (users.gone(), server.process.wait(), stop.wait())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    # Before the server stops: whoever comes now waits for the lock instead of getting a dead address.
    listener.close()
    _remove(path)
    for task in (*ends, first_user):
        task.cancel()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def main(name: str, home: str, lock: str) -> None:
    """Leave the family of the process that started this one, and keep the server."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    first = socket.socket(fileno=os.dup(0))
    asyncio.run(keep(name, Path(home), int(lock), first))


if __name__ == "__main__":
    main(*sys.argv[1:])
