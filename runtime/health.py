"""``/livez`` and ``/readyz`` of a worker, for whoever watches processes.

``/livez`` answers while the process can do anything at all. ``/readyz`` says part by part
whether it can work: 200, or 503 with what is missing. Neither needs a secret or shows one.
"""

from __future__ import annotations

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings

Check = Callable[[], Awaitable[object]]

CHECK_SECONDS: Final = 2
"""A probe usually waits for three: it is to get an answer, not a time-out."""
READ_SECONDS: Final = 5

OK: Final = "ok"


class Readiness:
    """What a worker needs, part by part. At first it is starting, which is not ready."""

    def __init__(self) -> None:
        self._phase = "starting"
        self._checks: dict[str, Check] = {}

    def works_with(self, **checks: Check) -> None:
        """Say that the worker polls, and how each part is checked: a check raises where the part fails."""
        self._phase, self._checks = OK, checks

    def stops(self) -> None:
        """Say that the worker takes no new work."""
        self._phase = "stopping"

    async def parts(self) -> dict[str, str]:
        """Return every part with ``ok``, or the kind of error that it fails with."""
        found = await asyncio.gather(*map(_checked, self._checks.values()))
        return {"worker": self._phase, **dict(zip(self._checks, found, strict=True))}


async def _checked(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001  whatever it is, the part does not work
        return type(error).__name__
    return OK


@asynccontextmanager
async def serving_health(settings: Settings, readiness: Readiness) -> AsyncIterator[None]:
    """Answer on HEALTH_PORT meanwhile.

    Raises:
        SettingsError: the port is taken.
    """
    if not settings.health_port:
        yield
        return

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            async with asyncio.timeout(READ_SECONDS):
                request = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(*await _answer(request, readiness)))
            await writer.drain()
        writer.close()

    address, port = settings.listen_address, settings.health_port
    try:
        server = await asyncio.start_server(answer, address, port)
    except OSError as error:
        raise SettingsError(f"HEALTH_PORT: cannot listen on {address}:{port} ({error.strerror})") from None
    async with server:
        yield


async def _answer(request: bytes, readiness: Readiness) -> tuple[HTTPStatus, dict[str, str], bool]:
    method, target, _ = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    body = method != "HEAD"
    if method not in ("GET", "HEAD"):
        return HTTPStatus.METHOD_NOT_ALLOWED, {}, body
    match target.partition("?")[0]:
        case "/livez":
            return HTTPStatus.OK, {"process": OK}, body
        case "/readyz":
            parts = await readiness.parts()
            ready = all(part == OK for part in parts.values())
            return HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, parts, body
        case _:
            return HTTPStatus.NOT_FOUND, {}, body


def _response(status: HTTPStatus, parts: dict[str, str], body: bool) -> bytes:
    text = json.dumps(parts).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (text if body else b"")
