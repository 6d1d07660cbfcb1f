"""What an OpenAI-compatible endpoint does wrong, as our errors.

A foreign error's text may quote the prompt: it is looked at to tell the kind, and never passed on.
The client is imported where it is used: it takes 15 MB and a quarter of a second, also where no model is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from memory_maintenance.errors import (
    ContextTooLongError,
    LanguageModelError,
    ModelBusyError,
    ModelForbiddenError,
    QuestionRefusedError,
)

if TYPE_CHECKING:
    import openai

BILLED_REASONS: Final = frozenset({"timeout", "connection_lost", "broken_json"})
"""Waits after which the endpoint may have written, and billed, an answer that never reached us."""

FORBIDDEN_REASONS: Final = frozenset({"quota", "credentials", "forbidden", "unknown_model", "misconfigured"})
"""What an operator has to correct: neither waiting nor another prompt helps."""

FILTERED: Final = "filtered"
"""The reason of what a content filter refuses."""

SHORTEST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(days=1)
"""What is believed of a Retry-After; whether it is waited for is a matter of MODEL_PATIENCE."""

_FORBIDDEN: Final = {
    401: ("credentials", "check OPENAI_API_KEY"),
    402: ("quota", "check the account's balance"),
    403: ("forbidden", "check what OPENAI_API_KEY may do"),
    404: (
        "unknown_model",
        "check the model's name (RAE_LLM_MODEL_DEFAULT, of a task or of a tenant) and OPENAI_BASE_URL",
    ),
}
_BUSY: Final = frozenset({408, 409, 425, 429})
_NEVER: Final = frozenset({501, 505})
_THE_QUESTIONS: Final = frozenset({400, 413, 422})
"""Statuses that blame what was sent."""
_MAY_BE_TOO_LONG: Final = frozenset({400, 413, 422, 429, 500})
_TOO_LONG_CODES: Final = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length", "max_tokens_per_request"}
)
_TOO_LONG_WORDS: Final = re.compile(
    "maximum context length|context window|available context size|prompt is too long|request too large"
    "|too large to process|exceeds the context length",
    re.IGNORECASE,
)


_TOO_MANY: Final = 429
_TOO_LARGE: Final = 413
_NO_QUOTA: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_WORDS_OF: Final = {
    status: re.compile(words, re.IGNORECASE)
    for status, words in (
        (402, "quota|credits?\\b|balance|billing|payment required"),
        (401, "api.?key|unauthori[sz]ed|authenticat"),
        (400, _TOO_LONG_WORDS.pattern + "|" + "|".join(sorted(_TOO_LONG_CODES)) + "|content_filter|invalid_request"),
        (429, "rate.?limit|too many requests|overloaded|capacity"),
        (404, "model.{0,40}(?:not found|does not exist)|model_not_found"),
        (403, "forbidden|permission"),
    )
}
"""What an error without a status is about, the first that fits."""


@contextmanager
def model_errors() -> Iterator[None]:
    """Turn errors of the client, of HTTP and of time into ours, without their text."""
    import httpx2  # noqa: PLC0415
    import openai  # noqa: PLC0415

    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error) from None
    except (openai.APITimeoutError, TimeoutError):
        raise ModelBusyError("timeout", "the endpoint did not answer within MODEL_TIMEOUT_SECONDS") from None
    except openai.APIConnectionError as error:
        raise _of_connection(error.__cause__) from None
    except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise LanguageModelError("bad_request", f"the request cannot be made: {type(error).__name__}") from None


def _of_status(error: openai.APIStatusError) -> LanguageModelError:
    said = _Said(error.status_code, frozenset(filter(None, (error.code, error.type))), error.message)
    return said.as_error(error.response.headers)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an endpoint says of its error: a status, words from its own closed sets, and a text that is not kept."""

    status: int
    kinds: frozenset[str]
    message: str

    def as_error(self, headers: Mapping[str, str]) -> LanguageModelError:
        """Return our error for it."""
        status = self.status
        if 300 <= status < 400:  # noqa: PLR2004
            fact = f"the endpoint redirects to another address (status {status}), which is not followed"
            return ModelForbiddenError("misconfigured", f"{fact}: set OPENAI_BASE_URL to the final address")
        if self.kinds & _NO_QUOTA:
            return ModelForbiddenError(
                "quota", "the endpoint's quota is used up: check the account's balance and limits"
            )
        if status in _FORBIDDEN:
            reason, advice = _FORBIDDEN[status]
            return ModelForbiddenError(reason, f"the endpoint refuses us (status {status}): {advice}")
        if self._too_long:
            return ContextTooLongError("context_length", "the question does not fit into the model's context")
        if status in _BUSY or (status >= 500 and status not in _NEVER):  # noqa: PLR2004
            reason = "rate_limited" if status == _TOO_MANY else "server_error"
            message = f"the endpoint is busy or has trouble (status {status})"
            return ModelBusyError(reason, message, retry_after(headers))
        if self.kinds & {"content_filter", "content_policy_violation"}:
            return QuestionRefusedError(FILTERED, "the endpoint's content filter refuses the question")
        refused = QuestionRefusedError if status in _THE_QUESTIONS else LanguageModelError
        return refused("bad_request", f"the endpoint does not take the request (status {status})")

    @property
    def _too_long(self) -> bool:
        if self.status not in _MAY_BE_TOO_LONG:
            return False
        by_kind = self.status == _TOO_LARGE or bool(self.kinds & _TOO_LONG_CODES)
        return by_kind or bool(_TOO_LONG_WORDS.search(self.message))


def raise_disguised(body: str, headers: Mapping[str, str]) -> None:
    """Raise the error that *body*, sent with status 200, says in place of a completion: nothing was answered or billed.

    Gateways do so when the provider behind them fails: ``{"error": {"code": 429, ...}}``, ``{"error": "..."}``,
    a choice with an ``error``, or vLLM's ``{"object": "error"}``.
    """
    if '"error"' not in body:
        return
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    if said := _said_in(value):
        raise said.as_error(headers)


def _said_in(value: Any) -> _Said | None:
    if not isinstance(value, dict):
        return None
    found = value if value.get("object") == "error" else value.get("error")
    choices = value.get("choices")
    if isinstance(choices, list) and choices:
        if not isinstance(choices[0], dict) or not choices[0].get("error"):
            return None
        found = choices[0]["error"]
    if not found:
        return None
    said = found if isinstance(found, dict) else {"message": found}
    words = [str(said.get(key)) for key in ("code", "type", "status") if said.get(key) is not None]
    text = " ".join([*words, str(said.get("message") or "")])
    numbers = (int(word) for word in words if word.isdecimal())
    status = next((number for number in numbers if 400 <= number < 600), None)  # noqa: PLR2004
    return _Said(status or _status_of(text), frozenset(words), text)


def _status_of(text: str) -> int:
    """Return the status of an error that came without one, recognized by its words; 500 where they say nothing."""
    return next((status for status, words in _WORDS_OF.items() if words.search(text)), 500)


def _of_connection(cause: BaseException | None) -> LanguageModelError:
    import httpx2  # noqa: PLC0415

    if isinstance(cause, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)):
        return ModelForbiddenError("misconfigured", "OPENAI_BASE_URL or OPENAI_API_KEY cannot be used: check them")
    if isinstance(cause, (httpx2.ConnectError, httpx2.ProxyError)):
        return ModelBusyError("unreachable", "nothing answers at the model's address: see `starter.py doctor`")
    return ModelBusyError("connection_lost", "the endpoint closed the connection before its answer was whole")


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> timedelta | None:
    """Return how long the endpoint asks us to wait, within [1 s, 1 day]; None where it does not say.

    Reads ``retry-after-ms``, then ``retry-after`` as seconds or as an HTTP date (RFC 9110, 10.2.3).
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    seconds = milliseconds / 1000 if milliseconds is not None else _number(headers.get("retry-after"))
    if seconds is None:
        seconds = _seconds_until(headers.get("retry-after"), now or datetime.now(UTC))
    if seconds is None:
        return None
    return timedelta(seconds=min(max(seconds, SHORTEST_WAIT.total_seconds()), LONGEST_WAIT.total_seconds()))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return None if value != value else value  # noqa: PLR0124  (NaN)


def _seconds_until(text: str | None, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
