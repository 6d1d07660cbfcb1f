"""HTTP to the model's endpoint and nowhere else, and no more of an answer in memory than any answer can be.

Imported only where a model is asked: see ``openai_errors``.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import httpx2
from pydantic import SecretStr

from memory_maintenance.errors import ModelBusyError

_ANY_GZIP: Final = zlib.MAX_WBITS | 16


def bounded_client(*, most_bytes: int, timeout: timedelta, proxy: SecretStr | None = None) -> httpx2.AsyncClient:
    """Return a client that follows no redirect, uses no proxy but *proxy*, and reads at most *most_bytes* decoded.

    A redirect would send the memories' text to another host; so would a proxy that the environment names.
    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are honoured.
    """
    transport = BoundedTransport(most_bytes, proxy.get_secret_value() if proxy else None)
    return httpx2.AsyncClient(
        transport=transport,
        timeout=timeout.total_seconds(),
        follow_redirects=False,
        headers={"accept-encoding": "gzip"},
    )


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Decodes responses itself: httpx decodes each part whole, and 64 kB of gzip can hold 64 MB."""

    def __init__(self, most_bytes: int, proxy: str | None) -> None:
        self._most_bytes = most_bytes
        self._transport = httpx2.AsyncHTTPTransport(proxy=proxy)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send *request*; the response's body is decoded as it is read.

        Raises:
            ModelBusyError: the body is compressed in a way that was not asked for; while it is read: it is too long.
        """
        response = await self._transport.handle_async_request(request)
        encoding = response.headers.pop("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", ""):
            await response.aclose()
            raise ModelBusyError("not_json", "the endpoint compresses its answer in a way that it was not asked for")
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101  an asynchronous transport's is
        stream = _BoundedStream(response.stream, self._most_bytes, gzip=encoding.endswith("gzip"))
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most_bytes: int, *, gzip: bool) -> None:
        self._stream = stream
        self._left = most_bytes
        self._gzip = zlib.decompressobj(_ANY_GZIP) if gzip else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            decoded = self._decoded(part)
            self._left -= len(decoded)
            if self._left < 0:
                raise ModelBusyError("not_json", "the endpoint sent more than any answer can be")
            yield decoded
        if self._gzip and not self._gzip.eof:
            raise httpx2.DecodingError("the compressed response was cut")

    def _decoded(self, part: bytes) -> bytes:
        if self._gzip is None:
            return part
        try:
            return self._gzip.decompress(part, self._left + 1)  # one more than may be: enough to know
        except zlib.error:
            raise httpx2.DecodingError("the response is no gzip") from None

    async def aclose(self) -> None:
        await self._stream.aclose()
