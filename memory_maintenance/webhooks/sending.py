"""One request to a receiver, and what its answer means.

Imported only where an event is sent: the HTTP client takes a quarter of a second.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx2
from pydantic import SecretStr

from memory_maintenance.webhooks.outbox import Status
from memory_maintenance.writers.model.openai_errors import retry_after

PATIENCE: Final = timedelta(seconds=15)
"""Longest wait for an answer; Standard Webhooks recommends 15 to 30 seconds."""

GONE: Final = "gone"
REDIRECT: Final = "redirect"

_BUSY: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt."""

    status: Status
    """waiting: another attempt may succeed; rejected: none will until an operator changes something."""
    reason: str | None
    """A word from a closed set; None: it was delivered."""
    retry_after: timedelta | None = None
    """How long the receiver asks to be left alone."""


def open_client(proxy: SecretStr | None) -> httpx2.AsyncClient:
    """Return a client that follows no redirect and uses no proxy but *proxy*, also none of the environment."""
    # With a transport of its own the client asks the environment for no proxy.
    transport = httpx2.AsyncHTTPTransport(proxy=proxy.get_secret_value() if proxy else None)
    return httpx2.AsyncClient(transport=transport, timeout=PATIENCE.total_seconds(), follow_redirects=False)


async def post(client: httpx2.AsyncClient, url: str, content: bytes, headers: dict[str, str]) -> Answer:
    """Send one request and return what the receiver's status says; the body of its answer is never read."""
    try:
        async with (
            asyncio.timeout(PATIENCE.total_seconds()),  # the client's own starts again with each byte
            client.stream("POST", url, content=content, headers=headers) as response,
        ):
            return _judged(response.status_code, retry_after(response.headers))
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, ValueError):
        return Answer("rejected", "bad_address")
    except (httpx2.TimeoutException, TimeoutError):
        return Answer("waiting", "timeout")
    except (httpx2.ConnectError, httpx2.ProxyError, ssl.SSLError, OSError):
        return Answer("waiting", "unreachable")
    except httpx2.HTTPError:
        return Answer("waiting", "connection_lost")


def _judged(code: int, wait: timedelta | None) -> Answer:
    match code:
        case 410:
            return Answer("rejected", GONE)
        case _ if 200 <= code < 300:  # noqa: PLR2004
            return Answer("delivered", None)
        case _ if 300 <= code < 400:  # noqa: PLR2004
            return Answer("rejected", REDIRECT)
        case _ if code in _BUSY or code >= 500:  # noqa: PLR2004
            return Answer("waiting", f"status_{code}", wait)
        case _:
            return Answer("rejected", f"status_{code}")
