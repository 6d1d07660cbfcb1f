"""One call of an OpenAI-compatible endpoint: a request out, the response back as it came.

The client is imported where it is used: see ``openai_errors``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from memory_maintenance.redaction import place_of
from memory_maintenance.spans import span
from memory_maintenance.writers.model.openai_errors import model_errors, raise_disguised

if TYPE_CHECKING:
    import openai
    from openai.types.shared_params import ResponseFormatJSONSchema

OPENAI_URL: Final = "https://api.openai.com/v1"

_KNOW_THE_NEW_NAME: Final = ("api.openai.com", ".openai.azure.com")
_BOUNDS: Final = frozenset({"max_tokens", "max_completion_tokens"})
_LONGEST_RESPONSE: Final = 1_000_000
"""Bytes; the longest answer that is asked for has some tens of thousands."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is sent: our instructions, the text they are about, and the shape of the answer."""

    system: str
    prompt: str
    answer_type: type[BaseModel]


class Completer(Protocol):
    """Whoever turns a request into the raw text of a response."""

    @property
    def model(self) -> str:
        """The model's name, as the endpoint knows it."""
        ...

    @property
    def endpoint(self) -> str:
        """What the breaker knows this by: host, path and model, without credentials."""
        ...

    async def complete(self, request: ChatRequest) -> str:
        """Return the body of the response, unread."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class OpenAIClient:
    """The openai client with its own retries off: a call is one request, and the ledger decides about the next."""

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: SecretStr | None,
        model: str,
        answer_tokens: int,
        timeout: timedelta,
        proxy: SecretStr | None = None,
    ) -> None:
        """Prepare a client; nothing is sent.

        Args:
            base_url: root of the endpoint, ending in /v1; None: OpenAI.
            api_key: None for a local server that needs none.
            model: its name at the endpoint.
            answer_tokens: longest answer; some servers go on generating for a client that has left.
            timeout: longest wait for the whole response, however slowly it drips.
            proxy: the only proxy that is used; those of the environment are not.
        """
        url = base_url or OPENAI_URL
        self.model = model
        self.endpoint = endpoint_name(url, model)
        self._timeout = timeout.total_seconds()
        self._parameters = _parameters(url, answer_tokens)
        self._client = connection(url, api_key, timeout, proxy=proxy, most_bytes=_LONGEST_RESPONSE)

    async def complete(self, request: ChatRequest) -> str:
        """Send *request* once and return the body of the response, before anything reads it.

        Raises:
            LanguageModelError: see ``openai_errors``.
        """
        with model_errors():
            async with asyncio.timeout(self._timeout):  # the client's own time-out restarts with every byte
                body = await self._send(request)
        return body.replace("\x00", "�")  # Postgres has no text with NUL; in JSON it is an error anyway

    async def _send(self, request: ChatRequest) -> str:
        import openai  # noqa: PLC0415

        while True:
            sent = dict(self._parameters)
            try:
                return await self._post(request, sent)
            except openai.BadRequestError as error:
                # Models differ in the parameters they take; a request refused for one is not billed.
                if not _dispensable(error.param, sent):
                    raise
                self._parameters.pop(error.param or "", None)

    async def _post(self, request: ChatRequest, parameters: dict[str, float]) -> str:
        with span(f"chat {self.model}", {"gen_ai.operation.name": "chat"}):
            response = await self._client.chat.completions.with_raw_response.create(
                model=self.model,
                messages=[{"role": "system", "content": request.system}, {"role": "user", "content": request.prompt}],
                response_format=response_format(request.answer_type),
                extra_body=parameters,
            )
        raise_disguised(response.text, response.headers)
        return response.text

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def connection(
    url: str, api_key: SecretStr | None, timeout: timedelta, *, proxy: SecretStr | None, most_bytes: int
) -> openai.AsyncOpenAI:
    """Return the openai client of an endpoint, its own retries off; nothing is sent.

    It follows no redirect, uses no proxy but *proxy*, and reads at most *most_bytes* of a response.
    """
    import openai  # noqa: PLC0415

    from memory_maintenance.writers.model.bounded_transport import bounded_client  # noqa: PLC0415

    key = api_key.get_secret_value() if api_key else "none"
    with model_errors():
        return openai.AsyncOpenAI(
            base_url=url,
            api_key=key,
            max_retries=0,
            timeout=timeout.total_seconds(),
            http_client=bounded_client(most_bytes=most_bytes, timeout=timeout, proxy=proxy),
        )


def _parameters(url: str, answer_tokens: int) -> dict[str, float]:
    # OpenAI refuses the two names of the bound together; Ollama silently ignores the new one.
    bounds = {"max_completion_tokens": answer_tokens, "max_tokens": answer_tokens}
    if (urlsplit(url).hostname or "").endswith(_KNOW_THE_NEW_NAME):
        del bounds["max_tokens"]
    return {"temperature": 0, **bounds}


def _dispensable(name: str | None, sent: dict[str, float]) -> bool:
    # Never the last bound: an answer without end costs more than was reserved.
    return name in sent and bool((sent.keys() - {name}) & _BOUNDS)


def endpoint_name(url: str, model: str) -> str:
    """Return host, port, path and model: what shares one breaker. User, password and query stay out."""
    return f"{place_of(url).rstrip('/')} {model}"


def response_format(answer_type: type[BaseModel]) -> ResponseFormatJSONSchema:
    """Return the strict JSON schema that makes an endpoint answer in the shape of *answer_type*."""
    import openai  # noqa: PLC0415

    schema = _without_defaults(openai.pydantic_function_tool(answer_type)["function"]["parameters"])
    return {
        "type": "json_schema",
        "json_schema": {"name": answer_type.__name__, "schema": schema, "strict": True},
    }


def _without_defaults(node: Any) -> Any:
    # Strict mode takes no default; a dictionary of that name is a property called "default".
    if isinstance(node, list):
        return [_without_defaults(part) for part in node]
    if isinstance(node, dict):
        kept = (item for item in node.items() if item[0] != "default" or isinstance(item[1], dict))
        return {key: _without_defaults(value) for key, value in kept}
    return node
