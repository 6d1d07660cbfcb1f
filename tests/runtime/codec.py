"""A payload codec as a deployment would have one, in small: it hides every payload behind a key of one byte."""

import os
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/hidden"


class Hiding(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload(metadata={"encoding": ENCODING}, data=_turned(p.SerializeToString())) for p in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(_turned(p.data)) if p.metadata.get("encoding") == ENCODING else p for p in payloads]


class Salted(Hiding):
    """Encodes the same payload differently each time, as encryption does."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={**one.metadata, "salt": os.urandom(8)}, data=one.data)
            for one in await super().encode(payloads)
        ]


def _turned(data: bytes) -> bytes:
    return bytes(byte ^ 0x5A for byte in data)


an_object = Hiding()
no_codec = "text"
