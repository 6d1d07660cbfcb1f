"""Run a server process: wait until it answers, stop it gracefully, never let it outlive its parent."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import os
import signal
import stat
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.exec_with_parent_death import with_parent_death
from memory_maintenance.errors import StackError

START_TIMEOUT_SECONDS: Final = 90.0
"""Enough for a first start on a slow disk, or for the recovery after a crash."""

STOP_TIMEOUT_SECONDS: Final = 30.0
"""Postgres writes a checkpoint before it ends."""

MAX_SOCKET_FOLDER_BYTES: Final = 80
"""The whole path of a unix socket has to fit into 104 bytes (macOS) or 108 (Linux)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    process: Process
    ui_url: str | None = None


@asynccontextmanager
async def server_process(
    command: Sequence[object],
    *,
    log: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    user: str = "",
    pass_fds: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[Process]:
    """Run *command* and stop it at the end of the block.

    On Linux the kernel also stops it when this process is killed, provided that the event
    loop runs in the main thread: the signal is bound to the thread that forked.

    Args:
        command: an absolute path and its arguments.
        log: file that its output is appended to.
        stop_signal: requests a graceful shutdown; SIGKILL follows after ``STOP_TIMEOUT_SECONDS``.
        user: name of the user to run it as; empty: the current user.
        pass_fds: file descriptors that stay open in it and in its children.
        environment: its whole environment; None: ``server_environment()``.
        folder: its working directory; None: that of this process.
    """
    output = opened_log(log)
    try:
        process = await asyncio.create_subprocess_exec(
            *with_parent_death(command, stop_signal, user),
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=tuple(pass_fds),
            env=server_environment() if environment is None else environment,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for the application, which still needs its servers
        )
    finally:
        os.close(output)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            process.send_signal(stop_signal)
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def wait_until_ready(process: Process, is_ready: Callable[[], Awaitable[bool]], *, name: str, log: Path) -> None:
    """Wait until *is_ready* returns True.

    Raises:
        StackError: the process ended or took longer than ``START_TIMEOUT_SECONDS``; it quotes the end of the log.
    """
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT_SECONDS
    while not await is_ready():
        if process.returncode is not None:
            raise StackError(f"{name} ended while starting: {log_end(log)} (full log: {log})")
        if asyncio.get_running_loop().time() > deadline:
            waited = f"{START_TIMEOUT_SECONDS:.0f} s"
            raise StackError(f"{name} did not start within {waited}: {log_end(log)} (full log: {log})")
        await asyncio.sleep(0.02)


def packaged_program(package: str, suffix: str) -> Path | None:
    """Return the file of an installed *package* whose path ends with *suffix*; None: it is not installed."""
    try:
        files = importlib.metadata.files(package) or []  # not imported: that may warn, and leave files behind
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [file for file in files if file.as_posix().endswith(suffix)]
    return Path(str(found[0].locate())).resolve() if found else None


def server_environment() -> dict[str, str]:
    """Return the environment of a server: no keys, no passwords, no settings of its clients."""
    names = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in names if name in os.environ} | {"TZ": "UTC"}


def opened_log(log: Path, *, truncate: bool = False) -> int:
    """Open *log* for appending, readable by its owner only, and return the file descriptor."""
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if truncate else 0), 0o600)


def log_end(log: Path) -> str:
    """Return the last three lines of a log as one line."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-3:]) or "it printed nothing"


def socket_folder(folder: Path, owner: int) -> Path:
    """Return the folder for the sockets of *folder*: itself, or one below /tmp where its path is too long.

    Raises:
        StackError: the folder below /tmp belongs to another user.
    """
    if len(os.fsencode(folder)) <= MAX_SOCKET_FOLDER_BYTES:
        return folder
    # Not tempfile.gettempdir(): another process with another TMPDIR has to find the same folder.
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path("/tmp") / f"memory-maintenance-{owner}-{digest}"  # noqa: S108  (private_folder checks its owner)
    private_folder(short, owner)
    return short


def private_folder(folder: Path, owner: int) -> None:
    """Make *folder* if it does not exist, accessible only to *owner* (a user id).

    Raises:
        StackError: it exists and belongs to another user.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0 and folder.lstat().st_uid == 0:
        os.chown(folder, owner, -1, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise StackError(f"{folder} belongs to another user: remove it, or run as its owner")
    folder.chmod(0o700)
