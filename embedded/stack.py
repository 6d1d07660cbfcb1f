"""The two servers, started where no address is configured and shared by all processes of a home folder.

The first process that needs a server starts its supervisor (``embedded.server_supervisor``); others
with the same home folder join it. The server stops after the last of them has ended, also by ``kill -9``.
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
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.process import START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS, log_end, opened_log
from embedded.server_supervisor import socket_path
from memory_maintenance.errors import StackError

JOIN_TIMEOUT_SECONDS: Final = START_TIMEOUT_SECONDS + STOP_TIMEOUT_SECONDS + 10
"""A server that is stopping has to end before the next one can start."""

Answer = dict[str, str | None]
"""What a supervisor sends: see ``server_supervisor.as_line``."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The addresses of the two servers."""

    database_url: str
    temporal_address: str
    temporal_ui_url: str | None
    """None where the Temporal server is not embedded."""


@asynccontextmanager
async def running_stack(*, home: Path, database_url: str | None, temporal_address: str | None) -> AsyncIterator[Stack]:
    """Yield the addresses, starting or joining each server that has no address given.

    Args:
        home: the folder of their data, logs and sockets, made if it does not exist; untouched
            where both addresses are given. For root, the data of Postgres are below
            /var/lib/memory-maintenance where its server's user could not reach *home*.
        database_url: of a running Postgres, or None.
        temporal_address: host:port of a running Temporal server, or None.

    Raises:
        StackError: a server is not installed or does not start, or *home* cannot be used.
    """
    async with AsyncExitStack() as servers:
        database_url = await servers.enter_async_context(running_database(home=home, database_url=database_url))
        ui_url = None
        if temporal_address is None:
            answer = await servers.enter_async_context(_shared_server("temporal", home))
            temporal_address, ui_url = answer["address"], answer["ui_url"]
        yield Stack(database_url, str(temporal_address), ui_url)


@asynccontextmanager
async def running_database(*, home: Path, database_url: str | None) -> AsyncIterator[str]:
    """Yield the address of Postgres alone, for those who need no Temporal; otherwise as ``running_stack``."""
    if database_url is not None:
        yield database_url
        return
    async with _shared_server("postgres", home) as answer:
        yield str(answer["address"])


@asynccontextmanager
async def _shared_server(name: str, home: Path) -> AsyncIterator[Answer]:
    """Join or start the server *name* of *home*, and count as its user until the end of the block."""
    try:
        home = home.expanduser().resolve()  # noqa: ASYNC240  (once, before there is anything to wait for)
        home.mkdir(mode=0o711, parents=True, exist_ok=True)  # root's Postgres is another user, who passes through
        async with asyncio.timeout(JOIN_TIMEOUT_SECONDS):
            joined = await _join(name, home) or await _start(name, home)
            while joined is None:  # another process is starting the server, or it is stopping
                await asyncio.sleep(0.05)
                joined = await _join(name, home) or await _start(name, home)
    except TimeoutError as error:
        raise StackError(f"an earlier {name} does not end: see `fuser {home / name}.lock` and end it") from error
    except OSError as error:
        raise StackError(f"cannot use {home} ({error.strerror}): set MEMORY_MAINTENANCE_HOME") from error
    answer, connection = joined
    try:
        yield answer
    finally:
        connection.close()
        with suppress(ConnectionError):
            await connection.wait_closed()


async def _join(name: str, home: Path) -> tuple[Answer, StreamWriter] | None:
    """Connect to the running supervisor; None where none runs, or it is stopping."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket_path(name, home))
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    if (answer := await _received(reader)) is None:
        writer.close()
        return None
    return answer, writer


async def _start(name: str, home: Path) -> tuple[Answer, StreamWriter] | None:
    """Start a supervisor and connect to it; None where an earlier one, or its server, is still alive."""
    log = home / f"{name}.log"
    with ExitStack() as inherited:  # closed here once the supervisor has them
        lock = os.open(home / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        inherited.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        output = opened_log(log, truncate=True)
        inherited.callback(os.close, output)
        connection, its_stdin = socket.socketpair()
        inherited.enter_context(its_stdin)
        starter = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"{__package__}.server_supervisor", name, str(home), str(lock)),
            cwd=Path(__file__).parents[1],
            stdin=its_stdin.fileno(),
            stdout=output,
            stderr=output,
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C is for the application, which still needs its servers
        )
        await starter.wait()  # the supervisor is its child
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    answer = await _received(reader)
    if answer is None:
        answer = {"error": f"the supervisor of {name} ended: {log_end(log)} (full log: {log})"}
    if (error := answer.get("error")) is not None:
        writer.close()
        raise StackError(error)
    return answer, writer


async def _received(reader: StreamReader) -> Answer | None:
    with suppress(ConnectionError):
        if line := await reader.readline():
            return dict(json.loads(line))
    return None
