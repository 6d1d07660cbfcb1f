"""A model endpoint that misbehaves in stated shares: ``python -m chaos.endpoint SEED``, a process of its own.

Speaks as much of OpenAI's HTTP interface as the application uses, and keeps the bill: what it has
written, for which prompts, whether or not it arrived. Prints its port on its first line of output.
``POST /calm`` ends the misbehaviour; ``GET /bill`` returns the bill.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
from asyncio import StreamReader, StreamWriter
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from chaos.answers import good_answer

Way = Literal["good", "rate_limited", "server_error", "hang", "broken", "off_schema", "reset"]

SHARES: Final[dict[Way, float]] = {
    "rate_limited": 0.08,
    "server_error": 0.06,
    "hang": 0.03,
    "broken": 0.04,
    "off_schema": 0.05,
    "reset": 0.04,
}
"""Shares of requests; the rest is answered well. A hang has written, and bills, an answer nobody gets."""

USAGE: Final = (100, 20)
"""Input and output tokens that every answer is billed for."""

THINKING_SECONDS: Final = (0.1, 0.9)

READABLE: Final = ("good", "off_schema")
BILLED: Final = (*READABLE, "hang", "broken")


@dataclass(slots=True)
class Bill:
    """What was written and what it costs. ``readable``: whole answers, per prompt."""

    ways: Counter[str] = field(default_factory=Counter)
    readable: Counter[str] = field(default_factory=Counter)

    def note(self, prompt: str, way: Way) -> None:
        """Count one request."""
        self.ways[way] += 1
        if way in READABLE:
            self.readable[prompt] += 1

    def as_data(self) -> dict[str, Any]:
        """Return the bill as JSON data."""
        billed = sum(self.ways[way] for way in BILLED)
        return {
            "ways": dict(self.ways),
            "answers": self.readable.total(),
            "distinct": len(self.readable),
            "tokens": billed * sum(USAGE),
        }


class Endpoint:
    """The server."""

    def __init__(self, seed: str) -> None:
        """Prepare it; *seed* decides how each request fares, by its prompt and how often that came."""
        self.bill = Bill()
        self._seed = seed
        self._calm = False
        self._asked: Counter[str] = Counter()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one request and close."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ", 2)[1]
            if path == "/bill":
                await _send(writer, 200, self.bill.as_data())
            elif path == "/calm":
                self._calm = True
                await _send(writer, 200, {})
            else:
                await self._complete(json.loads(await reader.readexactly(_length(head))), reader, writer)
        writer.close()

    async def _complete(self, request: dict[str, Any], reader: StreamReader, writer: StreamWriter) -> None:
        prompt = hashlib.sha256(json.dumps(request["messages"]).encode()).hexdigest()
        way = self.way(prompt)
        self.bill.note(prompt, way)
        match way:
            case "rate_limited":
                await _send(writer, 429, _error("slow down"), "retry-after: 1")
            case "server_error":
                await _send(writer, 500, _error("out of order"))
            case "hang":
                await reader.read()  # until the client leaves
            case "reset":
                writer.transport.abort()
            case _:
                await asyncio.sleep(self._thinking(prompt))
                await _send(writer, 200, _written(way, request))

    def _thinking(self, prompt: str) -> float:
        """Return how many seconds an answer takes: long enough for a caller to be killed meanwhile."""
        return random.Random(f"{self._seed} {prompt}").uniform(*THINKING_SECONDS)

    def way(self, prompt: str) -> Way:
        """Return how the next request with this prompt fares."""
        self._asked[prompt] += 1
        if self._calm:
            return "good"
        drawn = random.Random(f"{self._seed} {prompt} {self._asked[prompt]}").random()
        for way, share in SHARES.items():
            drawn -= share
            if drawn < 0:
                return way
        return "good"


def _written(way: Way, request: dict[str, Any]) -> dict[str, Any] | str:
    if way == "off_schema":
        return _completion(json.dumps({"title": 7}))
    whole = _completion(good_answer(request))
    return json.dumps(whole)[:60] if way == "broken" else whole


def _length(head: str) -> int:
    lines = (line.partition(":") for line in head.lower().split("\r\n"))
    return next(int(value) for name, _, value in lines if name == "content-length")


def _completion(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": None, "type": None, "param": None}}


async def _send(writer: StreamWriter, status: int, body: dict[str, Any] | str, *headers: str) -> None:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} scripted", "content-type: application/json", "connection: close", *headers]
    writer.write("\r\n".join([*lines, f"content-length: {len(data)}", "", ""]).encode() + data)
    await writer.drain()


async def main(seed: str) -> None:
    """Serve until killed."""
    endpoint = Endpoint(seed)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
