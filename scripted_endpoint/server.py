"""The server: ``script`` says what the next requests meet, ``otherwise`` what the ones after them do."""

from __future__ import annotations

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, Self

from scripted_endpoint.replies import Reply, status

Script = Callable[[dict[str, Any]], Reply]
"""From the body of a request to what it meets."""


_FLOOD: Final = b" " * 65_536


class ScriptedEndpoint:
    """Serves on a free port of this machine while its context is open.

    ``requests`` has the bodies that came. ``answers`` and ``tokens`` count what was written and is
    billed, whether or not it arrived.
    """

    def __init__(self, otherwise: Reply | Script | None = None) -> None:
        self.otherwise = otherwise or status(500, message="the script is over")
        self.requests: list[dict[str, Any]] = []
        self.answers = 0
        self.tokens = 0
        self._script: deque[Reply] = deque()
        self._arrival = asyncio.Condition()
        self._let_go = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    @property
    def base_url(self) -> str:
        """Return the root for the openai client."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def script(self, *replies: Reply) -> None:
        """Say what the next requests meet, one after the other."""
        self._script.extend(replies)

    def let_go(self) -> None:
        """Let hanging requests be answered."""
        self._let_go.set()

    async def arrived(self, count: int = 1) -> None:
        """Wait until so many requests have come."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) >= count)

    @property
    def distinct_prompts(self) -> int:
        """Return how many different messages or lists of texts came: each is one attempt at one question."""
        return len({json.dumps(request.get("messages") or request["input"]) for request in self.requests})

    @property
    def embedded(self) -> list[list[str]]:
        """Return the texts of each request for embeddings."""
        return [request["input"] for request in self.requests if "input" in request]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101  asyncio runs each connection in a task
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.partition(":")[2]) for line in head.split("\r\n") if line.startswith("content-length"))
        request = json.loads(await reader.readexactly(length))
        self.requests.append(request)
        async with self._arrival:
            self._arrival.notify_all()
        reply = self._next(request)
        self.answers += reply.completion
        self.tokens += reply.tokens
        await asyncio.sleep(reply.seconds)
        await self._send(reply, reader, writer)

    def _next(self, request: dict[str, Any]) -> Reply:
        if self._script:
            return self._script.popleft()
        return self.otherwise if isinstance(self.otherwise, Reply) else self.otherwise(request)

    async def _send(self, reply: Reply, reader: StreamReader, writer: StreamWriter) -> None:
        if reply.way == "hang":
            await self._until_let_go_or_left(reader)
        if reply.way == "reset":
            writer.transport.abort()
            return
        writer.write(_head(reply))
        while reply.way == "drip" and not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)
        while reply.way == "flood" and not writer.is_closing():
            writer.write(_FLOOD)
            await writer.drain()
        writer.write(reply.body[: len(reply.body) // 2] if reply.way == "cut" else reply.body)
        await writer.drain()

    async def _until_let_go_or_left(self, reader: StreamReader) -> None:
        waits = [asyncio.ensure_future(self._let_go.wait()), asyncio.ensure_future(reader.read())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def _head(reply: Reply) -> bytes:
    headers = {"content-type": "application/json", "content-length": str(len(reply.body)), "connection": "close"}
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in (headers | dict(reply.headers)).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
