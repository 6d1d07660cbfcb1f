"""What one request to the endpoint can meet: a good answer, a bad one, an error, or silence."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Way = Literal["send", "hang", "reset", "drip", "cut", "flood"]

GOOD: Final[Mapping[str, Any]] = {
    "summary": "The team fixed the export of invoices and agreed to release the fix on Thursday.",
    "key_topics": ["invoice export", "release"],
    "sentiment": "positive",
}
"""A good summary of ``FACTS``."""

FACTS: Final = (
    "Bo fixed the export of invoices for the team.",
    "They agreed that the fix of the export will be in the release on Thursday.",
)
"""Sources that support ``GOOD``."""


@dataclass(frozen=True)
class Reply:
    """What one request meets. ``way`` says how the bytes go out."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    way: Way = "send"
    completion: bool = False
    """Whether a model has written something, which is billed even if it never arrives."""
    tokens: int = 0
    """Billed, input and output together."""
    seconds: float = 0.0
    """Until it goes out."""


def answer(
    content: Mapping[str, Any] | str | None = None,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
    usage: tuple[int, int] | None = (100, 20),
    way: Way = "send",
) -> Reply:
    """Return a completion whose content is *content* (a dictionary: as JSON; None: ``GOOD``)."""
    text = content if isinstance(content, str) else json.dumps(GOOD if content is None else content)
    message = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
    return completion([{"index": 0, "finish_reason": finish_reason, "message": message}], usage=usage, way=way)


def completion(choices: list[dict[str, Any]], *, usage: tuple[int, int] | None = (100, 20), way: Way = "send") -> Reply:
    """Return a completion with these choices."""
    body: dict[str, Any] = {"id": "c", "object": "chat.completion", "created": 0, "model": "scripted"}
    body["choices"] = choices
    if usage:
        read, written = usage
        body["usage"] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return Reply(body=json.dumps(body).encode(), way=way, completion=True, tokens=sum(usage or ()))


def vector_of(text: str, dimension: int = 4) -> list[float]:
    """Return the vector that stands for *text*: the same text, the same vector; another text, another one."""
    digest = hashlib.sha256(text.encode()).digest()
    return [byte / 256 + 1 for byte in digest[:dimension]]


def embeddings(request: dict[str, Any], *, dimension: int = 4, way: Way = "send") -> Reply:
    """Return the vectors of a request's texts, the last one first, as the order of the list means nothing."""
    texts = request["input"]
    data = [
        {"object": "embedding", "index": index, "embedding": vector_of(text, dimension)}
        for index, text in enumerate(texts)
    ]
    tokens = 10 * len(texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    body = {"object": "list", "model": request["model"], "data": data[::-1], "usage": usage}
    return Reply(body=json.dumps(body).encode(), way=way, completion=True, tokens=tokens)


def refusal() -> Reply:
    """Return a completion in which the model declines."""
    return answer(refusal="I cannot help with that.")


def content_filter() -> Reply:
    """Return a completion that a filter has stopped."""
    return answer("", finish_reason="content_filter")


def truncated_answer() -> Reply:
    """Return a completion that the bound of tokens has cut."""
    return answer(json.dumps(GOOD)[:40], finish_reason="length")


def wrong_schema() -> Reply:
    """Return a completion in another shape than was asked for."""
    return answer({"title": "a summary", "body": 7})


def empty_choices() -> Reply:
    """Return a completion without a choice."""
    return completion([])


def truncated_json() -> Reply:
    """Return a response whose body ends in mid-JSON although it says that it is whole."""
    whole = answer()
    return replace(whole, body=whole.body[:60])


def html() -> Reply:
    """Return a proxy's page with status 200."""
    return Reply(body=b"<!doctype html><title>Sign in</title>", headers={"content-type": "text/html"})


def status(
    code: int,
    *,
    retry_after: str | int | None = None,
    retry_after_ms: int | None = None,
    error_code: str | None = None,
    error_type: str | None = None,
    param: str | None = None,
    message: str = "scripted",
) -> Reply:
    """Return an error as OpenAI words it."""
    waits = {"retry-after": retry_after, "retry-after-ms": retry_after_ms}
    error = {"message": message, "code": error_code, "type": error_type, "param": param}
    return Reply(
        code,
        json.dumps({"error": error}).encode(),
        {key: str(value) for key, value in waits.items() if value is not None},
    )


def insufficient_quota() -> Reply:
    """Return OpenAI's 429 that no waiting helps."""
    return status(429, error_code="insufficient_quota", error_type="insufficient_quota")


def unauthorized() -> Reply:
    """Return the refusal of a wrong key."""
    return status(401, error_code="invalid_api_key", error_type="invalid_request_error")


def context_length() -> Reply:
    """Return the refusal of a prompt that is too long."""
    return status(400, error_code="context_length_exceeded", error_type="invalid_request_error")


def hang() -> Reply:
    """Return an answer that has been written, and goes out only after ``endpoint.let_go()``."""
    return answer(way="hang")


def reset() -> Reply:
    """Close the connection without a byte."""
    return Reply(way="reset")


def drip() -> Reply:
    """Send the answer byte by byte, each sooner than a read would time out, for ever."""
    return answer(way="drip")


def flood(code: int = 200) -> Reply:
    """Send blanks as fast as they are taken, for ever."""
    return Reply(code, way="flood", headers={"content-length": str(10**15)})


def gzip_bomb(megabytes: int) -> Reply:
    """Return a valid answer behind so many megabytes of blanks, which gzip makes a thousand times smaller."""
    packer = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    blanks = bytes(1_000_000).replace(b"\0", b" ")
    body = b"".join([*(packer.compress(blanks) for _ in range(megabytes)), packer.compress(answer().body)])
    return Reply(body=body + packer.flush(), headers={"content-encoding": "gzip"})


def redirect(code: int, to: str) -> Reply:
    """Send the client to another address."""
    return Reply(code, headers={"location": to})


def cut() -> Reply:
    """Send half of the announced body, then close."""
    return answer(way="cut")
