"""The two servers, started where no address is configured and shared by all processes of a home folder.

Each server has a supervisor (``embedded.server_supervisor``), a small process that the first user starts.
A second process with the same home folder joins, in whatever order they come and go: the
last one out stops the server, and so does the end of the last one by ``kill -9``.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.process import START_SECONDS, STOP_SECONDS, log_end, opened_log
from embedded.server_supervisor import socket_path
from memory_maintenance.errors import StackError

PATIENCE_SECONDS: Final = START_SECONDS + STOP_SECONDS + 10
"""An earlier server may have to stop before ours can start."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the two servers are."""

    database_url: str
    temporal_address: str
    temporal_ui_url: str | None
    """None where the Temporal server is not ours."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A connection to a supervisor: the server runs at least as long as it is open."""

    answer: dict[str, str | None]
    writer: StreamWriter


@asynccontextmanager
async def running_stack(*, home: Path, database_url: str | None, temporal_address: str | None) -> AsyncIterator[Stack]:
    """Yield the addresses, starting or joining each server that has no address given.

    Args:
        home: the folder of their data, logs and sockets, made if need be; untouched
            where both addresses are given. As root, Postgres' data stand below
            /var/lib/memory-maintenance where its user could not reach *home*.
        database_url: of a Postgres that runs, or None.
        temporal_address: host:port of a Temporal server that runs, or None.

    Raises:
        StackError: a server is not installed or does not start, or *home* cannot be used.
    """
    async with AsyncExitStack() as memberships:
        database_url = await memberships.enter_async_context(running_database(home=home, database_url=database_url))
        ui_url = None
        if temporal_address is None:
            answer = await memberships.enter_async_context(_joined("temporal", home))
            temporal_address, ui_url = answer["address"], answer["ui_url"]
        yield Stack(database_url, str(temporal_address), ui_url)


@asynccontextmanager
async def running_database(*, home: Path, database_url: str | None) -> AsyncIterator[str]:
    """Yield the address of Postgres alone, for who needs no Temporal; otherwise as ``running_stack``."""
    if database_url is not None:
        yield database_url
        return
    async with _joined("postgres", home) as answer:
        yield str(answer["address"])


def _made(home: Path) -> Path:
    home = home.expanduser().resolve()
    home.mkdir(mode=0o711, parents=True, exist_ok=True)  # to be passed through: root's Postgres is another user
    return home


@asynccontextmanager
async def _joined(name: str, home: Path) -> AsyncIterator[dict[str, str | None]]:
    """Yield the answer of the supervisor of *name*, and be counted as its user meanwhile."""
    try:
        home = _made(home)
        async with asyncio.timeout(PATIENCE_SECONDS):
            membership = await _member(name, home)
    except TimeoutError as error:
        raise StackError(f"an earlier {name} does not end: see `fuser {home / name}.lock` and end it") from error
    except OSError as error:
        raise StackError(f"cannot use {home} ({error.strerror}): set MEMORY_MAINTENANCE_HOME") from error
    try:
        yield membership.answer
    finally:
        membership.writer.close()
        with suppress(ConnectionError):
            await membership.writer.wait_closed()


async def _member(name: str, home: Path) -> Membership:
    while True:
        membership = await _member_of_running(name, home) or await _member_of_started(name, home)
        if membership is not None:
            return membership
        await asyncio.sleep(0.05)  # another process is starting it, or it is stopping


async def _member_of_running(name: str, home: Path) -> Membership | None:
    try:
        reader, writer = await asyncio.open_unix_connection(socket_path(name, home))
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    answer = await _answer(reader)
    if answer is None:
        writer.close()
        return None
    return Membership(answer, writer)


async def _member_of_started(name: str, home: Path) -> Membership | None:
    """Start a supervisor, unless one or its server is alive."""
    lock = _acquired(home / f"{name}.lock")
    if lock is None:
        return None
    log = home / f"{name}.log"
    try:
        connection = await _started_supervisor(name, home, lock, opened_log(log, afresh=True))
    finally:
        os.close(lock)  # the supervisor holds it now
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    answer = await _answer(reader) or {"error": f"the supervisor of {name} ended: {log_end(log)} (all of it: {log})"}
    if (error := answer.get("error")) is not None:
        writer.close()
        raise StackError(error)
    return Membership(answer, writer)


async def _started_supervisor(name: str, home: Path, lock: int, log: int) -> socket.socket:
    """Return our end of the supervisor's first connection, which is its standard input."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            starting = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"{__package__}.server_supervisor", name, str(home), str(lock)),
                cwd=Path(__file__).parents[1],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C is not for it: the application still needs its servers
            )
        finally:
            os.close(log)
        await starting.wait()  # the process that stays is its child
    return ours


def _acquired(path: Path) -> int | None:
    """Return a file descriptor that locks *path*, or None where somebody else does."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


async def _answer(reader: StreamReader) -> dict[str, str | None] | None:
    with suppress(ConnectionError):
        if line := await reader.readline():
            return dict(json.loads(line))
    return None
