"""A gRPC server that answers calls with one status: what a gateway does to who may not come in."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_ACK, _END_HEADERS, _END_ALL = 0x1, 0x4, 0x5
_STATUS_200 = b"\x88"
"""``:status: 200`` in HPACK's static table."""
_EMPTY_MESSAGE = bytes(5)


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _header(name: bytes, value: bytes) -> bytes:
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


_BEGIN = _STATUS_200 + _header(b"content-type", b"application/grpc")


def _refusal(stream: int, status: int) -> bytes:
    return _frame(_HEADERS, _END_ALL, stream, _BEGIN + _header(b"grpc-status", b"%d" % status))


def _empty_answer(stream: int) -> bytes:
    trailers = _frame(_HEADERS, _END_ALL, stream, _header(b"grpc-status", b"0"))
    return _frame(_HEADERS, _END_HEADERS, stream, _BEGIN) + _frame(_DATA, 0, stream, _EMPTY_MESSAGE) + trailers


@asynccontextmanager
async def refusing_endpoint(status: int, *, after: int = 0) -> AsyncIterator[str]:
    """Yield host:port of a server that ends every call with the gRPC *status*; the first *after* get an empty answer."""
    calls = count()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readexactly(24)  # the client's preface
        writer.write(_frame(_SETTINGS, 0, 0))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
                kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
                if kind == _HEADERS:
                    writer.write(_empty_answer(stream) if next(calls) < after else _refusal(stream, status))
                elif kind in (_SETTINGS, _PING) and not flags & _ACK:
                    writer.write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
