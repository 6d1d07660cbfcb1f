"""TLS in front of a server that has none: certificates made for the occasion, and an endpoint that forwards."""

import asyncio
import ssl
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificates:
    """An authority, and a server and a client that it signed, as PEM files; ``stranger`` is another authority."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Certificates":
        for name in ("authority", "stranger"):
            _openssl(
                folder, "req", "-x509", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"
            )
        for name in ("server", "client"):
            _openssl(folder, "req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            (folder / "names").write_text("subjectAltName=DNS:temporal.test,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
            signed = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", "names")
            _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)
        return cls(folder)

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@asynccontextmanager
async def tls_endpoint(target: str, certificates: Certificates, *, mutual: bool = False) -> AsyncIterator[str]:
    """Yield host:port of an endpoint that speaks TLS and forwards to *target*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates["server.pem"], certificates["server.key"])
    context.set_alpn_protocols(["h2"])
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates["authority.pem"])
    host, port = target.split(":")

    async def forward(reader: StreamReader, writer: StreamWriter) -> None:
        onward, back = await asyncio.open_connection(host, int(port))
        with suppress(OSError):
            await asyncio.gather(_pipe(reader, back), _pipe(onward, writer))

    server = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _pipe(source: StreamReader, sink: StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()
