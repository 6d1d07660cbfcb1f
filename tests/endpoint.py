"""A scripted OpenAI-compatible HTTP endpoint: real sockets, behind the real openai client.

``endpoint.script(status(429, retry_after=3), answer({...}))`` says what the next requests meet;
``endpoint.otherwise`` what the ones after them do. ``endpoint.requests`` holds the bodies that
came, ``endpoint.answers`` counts the completions that were written, whether or not they arrived.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import pytest

Way = Literal["send", "hang", "reset", "drip", "cut"]

GOOD: Mapping[str, Any] = {
    "summary": "The team fixed the export of invoices and agreed to release the fix on Thursday.",
    "key_topics": ["invoice export", "release"],
    "sentiment": "positive",
}
"""A good summary of ``FACTS``."""

FACTS = (
    "Bo fixed the export of invoices for the team.",
    "They agreed that the fix of the export will be in the release on Thursday.",
)
"""Sources that support ``GOOD``."""


@dataclass(frozen=True)
class Reply:
    """What one request meets. ``way``: how the bytes go out; ``completion``: whether a model has written something."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    way: Way = "send"
    completion: bool = False


def answer(
    content: Mapping[str, Any] | str | None = None,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
    usage: tuple[int, int] | None = (100, 20),
    way: Way = "send",
) -> Reply:
    """Return a completion whose content is *content* (a dictionary: as JSON; None: ``GOOD``)."""
    text = content if isinstance(content, str) else json.dumps(GOOD if content is None else content)
    message = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
    return completion([{"index": 0, "finish_reason": finish_reason, "message": message}], usage=usage, way=way)


def completion(choices: list[dict[str, Any]], *, usage: tuple[int, int] | None = (100, 20), way: Way = "send") -> Reply:
    """Return a completion with these choices."""
    body: dict[str, Any] = {"id": "c", "object": "chat.completion", "created": 0, "model": "scripted"}
    body["choices"] = choices
    if usage:
        body["usage"] = dict(
            zip(("prompt_tokens", "completion_tokens", "total_tokens"), (*usage, sum(usage)), strict=True)
        )
    return Reply(body=json.dumps(body).encode(), way=way, completion=True)


def vector_of(text: str, dimension: int = 4) -> list[float]:
    """Return the vector that stands for *text*: the same text, the same vector; another text, another one."""
    digest = hashlib.sha256(text.encode()).digest()
    return [byte / 256 + 1 for byte in digest[:dimension]]


def embeddings(request: dict[str, Any], *, dimension: int = 4, way: Way = "send") -> Reply:
    """Return the vectors of a request's texts, the last one first, as the order of the list means nothing."""
    texts = request["input"]
    data = [
        {"object": "embedding", "index": index, "embedding": vector_of(text, dimension)}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 10 * len(texts), "total_tokens": 10 * len(texts)}
    body = {"object": "list", "model": request["model"], "data": data[::-1], "usage": usage}
    return Reply(body=json.dumps(body).encode(), way=way, completion=True)


def refusal() -> Reply:
    """Return a completion in which the model declines."""
    return answer(refusal="I cannot help with that.")


def content_filter() -> Reply:
    """Return a completion that a filter has stopped."""
    return answer("", finish_reason="content_filter")


def truncated_answer() -> Reply:
    """Return a completion that the bound of tokens has cut."""
    return answer(json.dumps(GOOD)[:40], finish_reason="length")


def wrong_schema() -> Reply:
    """Return a completion in another shape than was asked for."""
    return answer({"title": "a summary", "body": 7})


def empty_choices() -> Reply:
    """Return a completion without a choice."""
    return completion([])


def truncated_json() -> Reply:
    """Return a response whose body ends in mid-JSON although it says that it is whole."""
    return Reply(body=answer().body[:60], completion=True)


def html() -> Reply:
    """Return a proxy's page with status 200."""
    return Reply(body=b"<!doctype html><title>Sign in</title>", headers={"content-type": "text/html"})


def status(
    code: int,
    *,
    retry_after: str | int | None = None,
    retry_after_ms: int | None = None,
    error_code: str | None = None,
    error_type: str | None = None,
    param: str | None = None,
    message: str = "scripted",
) -> Reply:
    """Return an error as OpenAI words it."""
    waits = {"retry-after": retry_after, "retry-after-ms": retry_after_ms}
    error = {"message": message, "code": error_code, "type": error_type, "param": param}
    return Reply(
        code,
        json.dumps({"error": error}).encode(),
        {key: str(value) for key, value in waits.items() if value is not None},
    )


def insufficient_quota() -> Reply:
    """Return OpenAI's 429 that no waiting helps."""
    return status(429, error_code="insufficient_quota", error_type="insufficient_quota")


def unauthorized() -> Reply:
    """Return the refusal of a wrong key."""
    return status(401, error_code="invalid_api_key", error_type="invalid_request_error")


def context_length() -> Reply:
    """Return the refusal of a prompt that is too long."""
    return status(400, error_code="context_length_exceeded", error_type="invalid_request_error")


def hang() -> Reply:
    """Return nothing until the client leaves, or ``endpoint.let_go()``; the model has written an answer nevertheless."""
    return answer(way="hang")


def reset() -> Reply:
    """Close the connection without a byte."""
    return Reply(way="reset")


def drip() -> Reply:
    """Send the answer byte by byte, each sooner than a read would time out, for ever."""
    return answer(way="drip")


def cut() -> Reply:
    """Send half of the announced body, then close."""
    return answer(way="cut")


class ScriptedEndpoint:
    """See the module."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers = 0
        self.otherwise: Reply | Callable[[dict[str, Any]], Reply] = status(500, message="the script is over")
        self._arrival = asyncio.Condition()
        self._script: deque[Reply] = deque()
        self._let_go = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """Return the root for the openai client."""
        assert self._server
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

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.partition(":")[2]) for line in head.split("\r\n") if line.startswith("content-length"))
        request = json.loads(await reader.readexactly(length))
        self.requests.append(request)
        async with self._arrival:
            self._arrival.notify_all()
        reply = self._next(request)
        self.answers += reply.completion
        await self._send(reply, reader, writer)

    def _next(self, request: dict[str, Any]) -> Reply:
        if self._script:
            return self._script.popleft()
        return self.otherwise if isinstance(self.otherwise, Reply) else self.otherwise(request)

    async def _send(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply.way == "hang":
            await self._until_let_go_or_left(reader)
        if reply.way == "reset":
            writer.transport.abort()
            return
        body = reply.body[: len(reply.body) // 2] if reply.way == "cut" else reply.body
        writer.write(_head(reply))
        if reply.way == "drip":
            await _drip(writer)
        writer.write(body)
        await writer.drain()

    async def _until_let_go_or_left(self, reader: asyncio.StreamReader) -> None:
        waits = [asyncio.ensure_future(self._let_go.wait()), asyncio.ensure_future(reader.read())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def _head(reply: Reply) -> bytes:
    headers = {"content-type": "application/json", "content-length": str(len(reply.body)), "connection": "close"}
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in (headers | dict(reply.headers)).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.fixture
async def endpoint() -> AsyncIterator[ScriptedEndpoint]:
    """A scripted endpoint of the test's own."""
    server = ScriptedEndpoint()
    await server.start()
    yield server
    await server.stop()
