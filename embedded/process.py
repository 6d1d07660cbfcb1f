"""A server process: it never outlives its parent, is awaited until it answers, and ends in peace."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import os
import signal
import stat
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded import exec_with_parent_death
from memory_maintenance.errors import StackError

START_SECONDS: Final = 90.0
"""A first start on a slow disk, or the recovery after a crash."""

STOP_SECONDS: Final = 30.0
"""Postgres writes a checkpoint before it ends."""

LONGEST_SOCKET_FOLDER: Final = 80
"""Bytes. A unix socket's whole path has to fit into 104 (macOS) or 108 (Linux)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: where it answers, and its process."""

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
    held: Sequence[int] = (),
) -> AsyncIterator[Process]:
    """Run *command* and stop it afterwards.

    On Linux it also stops when this process is killed, provided that the event
    loop runs in the main thread: the kernel goes by the thread that forked.

    Args:
        command: an absolute path and its arguments, each turned into text.
        log: what it prints is appended here.
        stop_signal: asks it to end in peace; after ``STOP_SECONDS`` it is killed.
        user: whom to run it as; empty for the present user.
        held: file descriptors that stay open in it and in its children.
    """
    prefix = [
        sys.executable,
        "-I",
        "-S",
        exec_with_parent_death.__file__,
        str(os.getpid()),
        str(int(stop_signal)),
        user,
    ]
    output = opened_log(log)
    try:
        process = await asyncio.create_subprocess_exec(
            *prefix,
            *map(str, command),
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=tuple(held),
            env=server_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for the application, which still needs its servers
        )
    finally:
        os.close(output)
    try:
        yield process
    finally:
        await _stop(process, stop_signal)


async def answering(process: Process, answers: Callable[[], Awaitable[bool]], *, name: str, log: Path) -> None:
    """Wait until *answers* says so.

    Raises:
        StackError: the process ended or took longer than ``START_SECONDS``; with the end of its log.
    """
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while not await answers():
        if process.returncode is not None:
            raise StackError(f"{name} ended while starting: {log_end(log)} (all of it: {log})")
        if asyncio.get_running_loop().time() > deadline:
            raise StackError(f"{name} did not start within {START_SECONDS:.0f} s: {log_end(log)} (all of it: {log})")
        await asyncio.sleep(0.02)


def packaged_program(package: str, ending: str) -> Path | None:
    """Return where the file of an installed *package* stands whose path has this *ending*."""
    try:
        files = importlib.metadata.files(package) or []  # not imported: that may warn, and leave files behind
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [file for file in files if file.as_posix().endswith(ending)]
    return Path(str(found[0].locate())).resolve() if found else None


def opened_log(log: Path, *, afresh: bool = False) -> int:
    """Open *log* for its owner's eyes only and return the file descriptor."""
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if afresh else 0), 0o600)


def log_end(log: Path, lines: int = 3) -> str:
    """Return the last *lines* of a log in one line."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:]) or "it printed nothing"


def socket_folder(folder: Path, owner: int) -> Path:
    """Return where the sockets of *folder* stand: in itself, or under /tmp where its path is too long.

    Raises:
        StackError: somebody else has taken the place under /tmp.
    """
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    # Not the temporary folder of this process: another one, with another TMPDIR, has to find the same place.
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path("/tmp") / f"memory-maintenance-{owner}-{digest}"  # noqa: S108  (private_folder checks its owner)
    private_folder(short, owner)
    return short


def private_folder(folder: Path, owner: int) -> None:
    """Make *folder*, if need be, so that only *owner* (a user id) can look into it.

    Raises:
        StackError: it stands there already and belongs to somebody else.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0 and folder.lstat().st_uid == 0:
        os.chown(folder, owner, -1, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise StackError(f"{folder} does not belong to the user who needs it: remove it, or run as its owner")
    folder.chmod(0o700)


def server_environment() -> dict[str, str]:
    """Return what a server needs to know: no keys, no passwords, no client's settings."""
    known = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return known | {"TZ": "UTC"}


async def _stop(process: Process, stop_signal: signal.Signals) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(stop_signal)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
