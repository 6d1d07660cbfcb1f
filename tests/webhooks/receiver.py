"""A receiver of webhooks: a real HTTP server that keeps what it is sent and answers what the test asks for."""

import asyncio
import base64
import hashlib
import hmac
import json
from asyncio import StreamReader, StreamWriter
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass(frozen=True)
class Request:
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The event, once signature and headers agree with the body. Written from the specification, not from the code."""
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        key = base64.b64decode(SECRET.split("_", 1)[1])
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert f"v1,{expected}" in self.headers["webhook-signature"].split(" ")
        assert self.headers["content-type"] == "application/cloudevents+json"
        event: dict[str, Any] = json.loads(self.body)
        assert event["id"] == self.headers["webhook-id"]
        return event


class Receiver:
    """Answers 204, or what ``replies`` has next: a status and headers. ``hold`` keeps answers back."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.replies: deque[tuple[int, dict[str, str]]] = deque()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._arrival = asyncio.Condition()
        self._server: asyncio.Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hooks/token"

    @property
    def settings(self) -> dict[str, str]:
        return {"webhook_urls": self.url, "webhook_secret": SECRET}

    @property
    def events(self) -> list[dict[str, Any]]:
        return [request.event for request in self.requests]

    @property
    def types(self) -> list[str]:
        return [event["type"].removeprefix("memory_maintenance.") for event in self.events]

    def reply(self, *statuses: int, **headers: str) -> None:
        self.replies.extend((status, headers) for status in statuses)

    async def arrived(self, count: int) -> None:
        async with asyncio.timeout(60), self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) >= count)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.may_answer.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        async with self._arrival:
            self.requests.append(Request(headers, body))
            self._arrival.notify_all()
        await self.may_answer.wait()
        status, more = self.replies.popleft() if self.replies else (204, {})
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
        writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n{head}\r\n".encode())
        await writer.drain()
