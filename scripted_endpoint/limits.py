"""A slow endpoint with a limit, as providers have them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from scripted_endpoint.replies import Reply, status
from scripted_endpoint.server import Script


@dataclass
class Limited:
    """Answers as *script* says, after *seconds*, and with status 429 above *rate* requests a second.

    A bucket holds one second's requests and fills at the rate: a burst of so many is taken at once.
    """

    script: Script
    rate: float
    seconds: float = 0.0
    clock: Callable[[], float] = time.monotonic
    refused: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._free, self._filled_at = self.rate, self.clock()

    def __call__(self, request: dict[str, Any]) -> Reply:
        """Take one request from the bucket, if there is room for it."""
        now = self.clock()
        self._free = min(self.rate, self._free + self.rate * (now - self._filled_at))
        self._filled_at = now
        if self._free < 1:
            self.refused += 1
            return status(429, retry_after=1, error_code="rate_limit_exceeded", message="slow down")
        self._free -= 1
        return replace(self.script(request), seconds=self.seconds)
