"""Who may read the pages: anybody on this machine, and elsewhere whoever has the token."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    # Nothing but our own style sheet and icon is loaded, nothing is run, no other page may frame this one.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer."""


def is_loopback(host: str) -> bool:
    """Return whether *host*, a name or an address, is this machine and reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Access:
    """Lets a request through that has the token; without a token, one that was sent to a loopback address by name.

    The name counts because another site's page may have its name resolve to 127.0.0.1 (DNS rebinding).
    The token is a bearer token, or the password of Basic authentication, for which browsers ask.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        app = self._refusal(Headers(scope=scope)) or self._app
        return await app(scope, receive, send_with_headers)

    def _refusal(self, headers: Headers) -> ASGIApp | None:
        if self._token is None:
            host = headers.get("host", "").rpartition(":")
            name = host[0] if host[1] and host[2].isdigit() else "".join(host)
            if is_loopback(name):
                return None
            return PlainTextResponse("ask by a loopback address, such as 127.0.0.1 or localhost\n", status_code=403)
        if hmac.compare_digest(_given(headers.get("authorization", "")), self._token.encode()):
            return None
        ask = {"WWW-Authenticate": 'Basic realm="memory-maintenance", charset="UTF-8"'}
        return PlainTextResponse("the token is missing or wrong\n", status_code=401, headers=ask)


def _given(authorization: str) -> bytes:
    """Return the token that a request brings; empty where it brings none."""
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip().encode()
        case "basic":
            try:
                return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
            except binascii.Error:
                return b""
        case _:
            return b""
