"""One call of an OpenAI-compatible endpoint for embeddings: texts out, the response back as it came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from pydantic import Field, FiniteFloat, SecretStr, model_validator

from memory_maintenance.spans import span
from memory_maintenance.writers.model.completion import Completion, unreadable
from memory_maintenance.writers.model.openai_client import OPENAI_URL, ChatRequest, connection, endpoint_name
from memory_maintenance.writers.model.openai_errors import model_errors, raise_disguised
from memory_maintenance.writers.model.question import ModelAnswer

_LONGEST_RESPONSE: Final = 16_000_000
"""Bytes; 64 vectors of 8,192 numbers have about 12 million."""
_MOST_TOKENS: Final = 100_000_000


class Embeddings(ModelAnswer):
    """The vectors of some texts, each text by the name that its request gave it; all vectors of one dimension."""

    names: tuple[str, ...]
    vectors: tuple[tuple[FiniteFloat, ...], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_vector_a_name(self) -> Embeddings:
        dimensions = {len(vector) for vector in self.vectors}
        # A vector of zeros has no direction: nothing could ever be near it.
        if len(self.names) != len(self.vectors) or len(dimensions) != 1 or not all(map(any, self.vectors)):
            raise ValueError("not one vector for each text")
        return self

    @property
    def by_name(self) -> dict[str, tuple[float, ...]]:
        """Return the vector of each text."""
        return dict(zip(self.names, self.vectors, strict=True))

    def prose(self) -> None:
        """Return None: there is nothing to read."""

    def labels(self) -> Sequence[str]:
        """Return nothing."""
        return ()


class EmbeddingsClient:
    """Embeds texts as a ``Completer``: its prompt is a JSON object of names and texts.

    What it returns is the body of the response as it came, beside the names: a later reader
    of the ledger knows what each vector is of without the request.
    """

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: SecretStr | None,
        model: str,
        timeout: timedelta,
        proxy: SecretStr | None = None,
    ) -> None:
        """Prepare a client; nothing is sent."""
        url = base_url or OPENAI_URL
        self.model = model
        self.endpoint = endpoint_name(url, model)
        self._timeout = timeout.total_seconds()
        self._client = connection(url, api_key, timeout, proxy=proxy, most_bytes=_LONGEST_RESPONSE)

    async def complete(self, request: ChatRequest) -> str:
        """Send the texts once and return what came, before anything reads it.

        Raises:
            LanguageModelError: see ``openai_errors``.
        """
        texts: dict[str, str] = json.loads(request.prompt)
        with model_errors():
            async with asyncio.timeout(self._timeout):  # the client's own time-out restarts with every byte
                with span(f"embeddings {self.model}", {"gen_ai.operation.name": "embeddings"}):
                    # Some servers do not know base64, which the client would ask for by itself.
                    response = await self._client.embeddings.with_raw_response.create(
                        model=self.model, input=list(texts.values()), encoding_format="float"
                    )
                body = response.text
                raise_disguised(body, response.headers)
        return json.dumps({"names": list(texts), "body": body.replace("\x00", "�")}, ensure_ascii=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def read_embeddings(kept: str) -> Completion:
    """Read what ``EmbeddingsClient.complete`` returned.

    Raises:
        ModelBusyError: no JSON at all, or JSON that was cut or holds no list of embeddings.
    """
    envelope = json.loads(kept)
    body = envelope["body"]
    try:
        response = json.loads(body)
        vectors = {item["index"]: item["embedding"] for item in response["data"]}
        in_order = [vectors.get(number) for number in range(len(response["data"]))]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise unreadable(body) from None
    content = json.dumps({"names": envelope["names"], "vectors": in_order})
    return Completion(content=content, finish_reason=None, refused=False, usage=_usage(response.get("usage")))


def _usage(said: Any) -> tuple[int, int] | None:
    tokens = said.get("prompt_tokens") if isinstance(said, dict) else None
    return (tokens, 0) if isinstance(tokens, int) and 0 <= tokens <= _MOST_TOKENS else None
