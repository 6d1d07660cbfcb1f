"""What an OpenAI-compatible endpoint does wrong, as our errors.

A foreign error's text may quote the prompt: it is looked at to tell the kind, and never passed on.
The client is imported where it is used: it takes 15 MB and a quarter of a second, also where no model is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

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
"""What somebody has to put right: waiting does not help, and neither does another prompt."""

FILTERED: Final = "filtered"
"""The reason of what a content filter refuses."""

SHORTEST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=10)

_FORBIDDEN: Final = {
    401: ("credentials", "check OPENAI_API_KEY"),
    402: ("quota", "check the account's balance"),
    403: ("forbidden", "check what OPENAI_API_KEY may do"),
    404: ("unknown_model", "check RAE_LLM_MODEL_DEFAULT and OPENAI_BASE_URL"),
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
    status, kinds = error.status_code, {error.code, error.type}
    if "insufficient_quota" in kinds:
        return ModelForbiddenError("quota", "the endpoint's quota is used up: check the account's balance and limits")
    if status in _FORBIDDEN:
        reason, advice = _FORBIDDEN[status]
        return ModelForbiddenError(reason, f"the endpoint refuses us (status {status}): {advice}")
    if _says_too_long(error):
        return ContextTooLongError("context_length", "the question does not fit into the model's context")
    if status in _BUSY or (status >= 500 and status not in _NEVER):  # noqa: PLR2004
        return _busy(error)
    if kinds & {"content_filter", "content_policy_violation"}:
        return QuestionRefusedError(FILTERED, "the endpoint's content filter refuses the question")
    refused = QuestionRefusedError if status in _THE_QUESTIONS else LanguageModelError
    return refused("bad_request", f"the endpoint does not take the request (status {status})")


def _busy(error: openai.APIStatusError) -> ModelBusyError:
    reason = "rate_limited" if error.status_code == 429 else "server_error"  # noqa: PLR2004
    message = f"the endpoint is busy or has trouble (status {error.status_code})"
    return ModelBusyError(reason, message, retry_after(error.response.headers))


def _says_too_long(error: openai.APIStatusError) -> bool:
    if error.status_code not in _MAY_BE_TOO_LONG:
        return False
    if error.status_code == 413:  # noqa: PLR2004
        return True
    return bool({error.code, error.type} & _TOO_LONG_CODES) or bool(_TOO_LONG_WORDS.search(error.message))


def _of_connection(cause: BaseException | None) -> LanguageModelError:
    import httpx2  # noqa: PLC0415

    if isinstance(cause, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)):
        return ModelForbiddenError("misconfigured", "OPENAI_BASE_URL or OPENAI_API_KEY cannot be used: check them")
    if isinstance(cause, (httpx2.ConnectError, httpx2.ProxyError)):
        return ModelBusyError("unreachable", "nothing answers at the model's address: see `starter.py doctor`")
    return ModelBusyError("connection_lost", "the endpoint closed the connection before its answer was whole")


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> timedelta | None:
    """Return how long the endpoint asks us to wait, within [1 s, 10 min]; None where it does not say.

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
