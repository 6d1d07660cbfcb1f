"""What the scripted endpoint does in a run: it misbehaves in stated shares, drawn from the seed, and keeps the bill."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any, Final, Literal

from chaos.answers import good_answer
from chaos.checks.surroundings import Bill
from scripted_endpoint.replies import Reply, answer, hang, reset, status, truncated_json, wrong_schema

Way = Literal["good", "rate_limited", "server_error", "hang", "broken", "off_schema", "reset"]

SHARES: Final[dict[Way, float]] = {
    "rate_limited": 0.08,
    "server_error": 0.06,
    "hang": 0.03,
    "broken": 0.04,
    "off_schema": 0.05,
    "reset": 0.04,
}
"""Shares of requests; the rest is answered well. A hang has written, and bills, an answer that never arrives."""

THINKING_SECONDS: Final = (0.1, 0.9)

READABLE: Final = ("good", "off_schema")


class Misbehaviour:
    """Decides how each request fares, by the seed, its prompt and how often that came.

    ``ways`` counts the requests by how they fared. ``calm`` ends the misbehaviour.
    """

    def __init__(self, seed: int) -> None:
        self.calm = False
        self.ways: Counter[str] = Counter()
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._readable: Counter[str] = Counter()
        self._tokens = 0

    def __call__(self, request: dict[str, Any]) -> Reply:
        """Return what the next request meets, and put it on the bill."""
        prompt = hashlib.sha256(json.dumps(request["messages"]).encode()).hexdigest()
        way = self.way(prompt)
        self.ways[way] += 1
        self._readable[prompt] += way in READABLE
        reply = _reply(way, request)
        self._tokens += reply.tokens
        if reply.completion:  # it takes long enough for the caller to be killed meanwhile
            return replace(reply, seconds=random.Random(f"{self._seed} {prompt}").uniform(*THINKING_SECONDS))
        return reply

    def way(self, prompt: str) -> Way:
        """Return how the next request with this prompt fares."""
        self._asked[prompt] += 1
        if self.calm:
            return "good"
        drawn = random.Random(f"{self._seed} {prompt} {self._asked[prompt]}").random()
        for way, share in SHARES.items():
            drawn -= share
            if drawn < 0:
                return way
        return "good"

    def bill(self) -> Bill:
        """Return the whole answers so far, the prompts that got one, and all tokens."""
        return Bill(self._readable.total(), len(+self._readable), self._tokens)


def _reply(way: Way, request: dict[str, Any]) -> Reply:
    match way:
        case "rate_limited":
            return status(429, retry_after=1, message="slow down")
        case "server_error":
            return status(500, message="out of order")
        case "hang":
            return hang()
        case "reset":
            return reset()
        case "broken":
            return truncated_json()
        case "off_schema":
            return wrong_schema()
        case "good":
            return answer(good_answer(request))
