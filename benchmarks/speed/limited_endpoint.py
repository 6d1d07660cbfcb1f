"""A model endpoint as they are: slow and limited. ``python -m benchmarks.speed.limited_endpoint``, its own process.

Speaks as much of OpenAI's HTTP interface as the application uses, thinks for a stated time about
each answer, and answers 429 above a rate. Prints its port on its first line of output;
``GET /count`` returns what it has answered so far.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from chaos.answers import good_answer

LATENCY_SECONDS: Final = 0.5
REQUESTS_PER_SECOND: Final = 20.0
"""A bucket of one second's requests that fills at this rate, as providers keep it."""

_USAGE: Final = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@dataclass(slots=True)
class Bucket:
    """How many requests may come now: at most a second's worth, filled at *rate* a second."""

    rate: float
    tokens: float = field(init=False)
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.rate

    def takes(self, now: float) -> bool:
        """Take one request at *now* (seconds on any clock that does not go back), or return that it is too many."""
        self.tokens = min(self.rate, self.tokens + self.rate * (now - self.filled_at))
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Endpoint:
    """The server."""

    def __init__(self, latency_seconds: float, requests_per_second: float) -> None:
        """Prepare it."""
        self.counts: Counter[int] = Counter()
        self._latency_seconds = latency_seconds
        self._bucket = Bucket(requests_per_second, filled_at=time.monotonic())

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer the requests of one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await reader.readexactly(_length(head))
                status, answer = await self._answered(head.split(" ", 2)[1], body)
                writer.write(_response(status, answer))
                await writer.drain()
        writer.close()

    async def _answered(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/count":
            return 200, {"answers": self.counts[200], "refusals": self.counts[429]}
        if not self._bucket.takes(time.monotonic()):
            self.counts[429] += 1
            return 429, {"error": {"message": "slow down", "code": "rate_limit_exceeded", "type": None, "param": None}}
        self.counts[200] += 1
        await asyncio.sleep(self._latency_seconds)
        return 200, _completion(good_answer(json.loads(body)))


def _length(head: str) -> int:
    lines = (line.partition(":") for line in head.lower().split("\r\n"))
    return next((int(value) for name, _, value in lines if name == "content-length"), 0)


def _completion(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": _USAGE}


def _response(status: int, answer: dict[str, Any]) -> bytes:
    data = json.dumps(answer).encode()
    lines = [f"HTTP/1.1 {status} scripted", "content-type: application/json", f"content-length: {len(data)}"]
    lines += ["retry-after: 1"] if status == 429 else []
    return "\r\n".join([*lines, "", ""]).encode() + data


async def main(latency_seconds: float, requests_per_second: float) -> None:
    """Serve until killed."""
    endpoint = Endpoint(latency_seconds, requests_per_second)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.limited_endpoint", description=__doc__)
    parser.add_argument("--latency", type=float, default=LATENCY_SECONDS, help="seconds; default 0.5")
    parser.add_argument("--rate", type=float, default=REQUESTS_PER_SECOND, help="requests a second; default 20")
    return parser


if __name__ == "__main__":
    given = _parser().parse_args()
    asyncio.run(main(given.latency, given.rate))
