"""Reading a raw response: what the model wrote, why it stopped, what it counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, field_validator

from memory_maintenance.errors import ModelBusyError

_Tokens = Annotated[int, Ge(0), Le(100_000_000)]


class _Usage(BaseModel):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens


class _Function(BaseModel):
    arguments: str = ""


class _ToolCall(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None

    @field_validator("content", mode="before")
    @classmethod
    def _parts_are_one_text(cls, value: Any) -> Any:
        """Read a list of parts, as some gateways return it: ``[{"type": "text", "text": ...}]``."""
        if isinstance(value, list):
            return "".join(str(part.get("text") or "") for part in value if isinstance(part, dict))
        return value

    @field_validator("tool_calls", mode="wrap")
    @classmethod
    def _others_are_no_calls(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> list[_ToolCall] | None:
        try:
            return handler(value)  # type: ignore[no-any-return]
        except ValidationError:
            return None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Envelope(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    choices: list[_Choice]
    usage: _Usage | None = None

    @field_validator("usage", mode="wrap")
    @classmethod
    def _nonsense_is_no_count(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> _Usage | None:
        try:
            return handler(value)  # type: ignore[no-any-return]
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a response says. ``usage`` is (input tokens, output tokens), None where the endpoint does not count."""

    content: str
    finish_reason: str | None
    refused: bool
    usage: tuple[int, int] | None


def read_completion(response: str) -> Completion:
    """Read the body of a response; the arguments of its only tool call where it says nothing else.

    Raises:
        ModelBusyError: no JSON at all (a proxy's page), or JSON that was cut or is no completion.
    """
    envelope = _envelope(response)
    usage = (envelope.usage.prompt_tokens, envelope.usage.completion_tokens) if envelope.usage else None
    if not envelope.choices:
        return Completion(content="", finish_reason=None, refused=False, usage=usage)
    choice = envelope.choices[0]
    calls = choice.message.tool_calls or []
    called = not (choice.message.content or "").strip() and len(calls) == 1
    finished = "stop" if called and choice.finish_reason in ("tool_calls", "function_call") else choice.finish_reason
    return Completion(
        content=calls[0].function.arguments if called else choice.message.content or "",
        finish_reason=finished,
        refused=bool(choice.message.refusal),
        usage=usage,
    )


def _envelope(response: str) -> _Envelope:
    try:
        return _Envelope.model_validate_json(response)
    except ValidationError:
        try:
            # Half a surrogate pair, escaped: JSON allows it, and no waiting would mend it.
            whole = json.dumps(json.loads(response), ensure_ascii=False).encode(errors="replace")
            return _Envelope.model_validate_json(whole)
        except (ValueError, RecursionError):
            raise unreadable(response) from None


def unreadable(response: str) -> ModelBusyError:
    """Return the error that says why a body cannot be read."""
    if response.lstrip().startswith("{"):
        return ModelBusyError("broken_json", "the endpoint's response was cut or is no completion")
    return ModelBusyError("not_json", "the endpoint answers with something that is not JSON: is it a proxy's page?")
