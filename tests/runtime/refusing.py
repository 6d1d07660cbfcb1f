"""A gRPC server that answers every call with one status: what a gateway does to who may not come in."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_HEADERS, _SETTINGS, _PING = 1, 4, 6
_ACK, _END = 0x1, 0x5  # _END: of the headers and of the stream
_OK = b"\x88"
"""``:status: 200`` in HPACK's static table."""


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _header(name: bytes, value: bytes) -> bytes:
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _answer(kind: int, flags: int, stream: int, payload: bytes, status: int) -> bytes:
    match kind:
        case 1:
            trailers = _header(b"content-type", b"application/grpc") + _header(b"grpc-status", b"%d" % status)
            return _frame(_HEADERS, _END, stream, _OK + trailers)
        case 4 | 6 if not flags & _ACK:
            return _frame(kind, _ACK, 0, payload if kind == _PING else b"")
        case _:
            return b""


@asynccontextmanager
async def refusing_endpoint(status: int) -> AsyncIterator[str]:
    """Yield host:port of a server that ends every call with the gRPC *status*."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readexactly(24)  # the client's preface
        writer.write(_frame(_SETTINGS, 0, 0))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
                writer.write(_answer(head[3], head[4], int.from_bytes(head[5:], "big"), payload, status))
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
