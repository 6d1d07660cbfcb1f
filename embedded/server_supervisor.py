"""The process that runs one server for all its users: ``python -m embedded.server_supervisor NAME HOME LOCK``.

Each user of the server holds a connection to the supervisor's unix socket. The kernel closes it
when that process ends, however it ends, so counting connections is counting users: after the
last one the server is stopped. The first user is connected from the start, by standard input.

LOCK is a file descriptor with an exclusive lock. The server inherits it, so the lock is free
only when both the supervisor and the server have ended, and a new pair may start.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from typing import Final

from embedded.postgres import running_postgres
from embedded.process import socket_folder
from embedded.temporal import running_temporal
from memory_maintenance.errors import StackError

LINGER_SECONDS: Final = 1.0
"""How long the server outlives its last user, so that a series of commands does not restart it each time."""


class Users:
    """The connected users. Each is sent *answer* and then only has to stay connected."""

    def __init__(self, answer: dict[str, str | None]) -> None:
        self._answer = as_line(answer)
        self._connected = 0
        self._changed = asyncio.Event()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Count a user until its connection closes."""
        self._connected += 1
        self._changed.set()
        with suppress(ConnectionError):
            writer.write(self._answer)
            await reader.read()
        writer.close()
        self._connected -= 1
        self._changed.set()

    async def wait_until_gone(self) -> None:
        """Wait until there has been no user for ``LINGER_SECONDS``."""
        while True:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), None if self._connected else LINGER_SECONDS)
            except TimeoutError:
                return


def as_line(answer: dict[str, str | None]) -> bytes:
    """Return what a user reads: one line of JSON with ``address`` and ``ui_url``, or with ``error``."""
    return json.dumps(answer).encode() + b"\n"


def socket_path(name: str, home: Path) -> Path:
    """Return the socket of the supervisor of the server *name*."""
    return socket_folder(home, os.geteuid()) / f"{name}.sock"


async def supervise(name: str, home: Path, lock: int, first: socket.socket) -> None:
    """Run the server until its users have gone, it ends by itself, or SIGTERM arrives."""
    path, log = socket_path(name, home), home / f"{name}.log"
    if name == "postgres":
        running_server = running_postgres(home / "postgres", log=log, pass_fds=[lock])
    else:
        running_server = running_temporal(home / "temporal.db", log=log, pass_fds=[lock])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        async with running_server as server:
            users = Users({"address": server.address, "ui_url": server.ui_url})
            path.unlink(missing_ok=True)  # left by a supervisor that was killed
            listener = await asyncio.start_unix_server(users.serve, path)
            first_user = asyncio.create_task(users.serve(*await asyncio.open_unix_connection(sock=first)))
            ends = [asyncio.create_task(end) for end in (users.wait_until_gone(), server.process.wait(), stop.wait())]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            # Before the server stops: a new user now waits for the lock instead of getting a dead address.
            listener.close()
            path.unlink(missing_ok=True)
            for task in (*ends, first_user):
                task.cancel()
    except (StackError, OSError) as error:
        with suppress(OSError):
            first.sendall(as_line({"error": str(error)}))


def main(name: str, home: str, lock: str) -> None:
    """Detach from the process that started this one, and supervise the server."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    first = socket.socket(fileno=os.dup(0))
    asyncio.run(supervise(name, Path(home), int(lock), first))


if __name__ == "__main__":
    main(*sys.argv[1:])
