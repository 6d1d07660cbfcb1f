"""What a reflection is generated from, and what comes of it: RAE's shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class OutcomeType(StrEnum):
    """How what is reflected upon ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    PARTIAL = "partial"
    TIMEOUT = "timeout"
    ERROR = "error"


class EventType(StrEnum):
    """What kind of step an event is."""

    TOOL_CALL = "tool_call"
    TOOL_RESPONSE = "tool_response"
    LLM_CALL = "llm_call"
    LLM_RESPONSE = "llm_response"
    USER_INPUT = "user_input"
    SYSTEM_EVENT = "system_event"
    ERROR_EVENT = "error_event"


class ErrorCategory(StrEnum):
    """What kind of error ended it."""

    TOOL_ERROR = "tool_error"
    TIMEOUT_ERROR = "timeout_error"
    VALIDATION_ERROR = "validation_error"
    LLM_ERROR = "llm_error"
    NETWORK_ERROR = "network_error"
    PERMISSION_ERROR = "permission_error"
    UNKNOWN_ERROR = "unknown_error"


class _Shape(BaseModel):
    """One of RAE's shapes. A validation error does not repeat what was given: that is text of memories."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Event(_Shape):
    """One step, or one memory. ``metadata`` may hold its ``importance`` in [0, 1]."""

    event_id: str
    event_type: EventType = EventType.SYSTEM_EVENT
    timestamp: datetime
    content: str
    metadata: dict[str, Any] = {}
    tool_name: str | None = None
    error: dict[str, Any] | None = None

    def __init__(self, *values: Any, **named: Any) -> None:
        """Take the fields by position or by name, as RAE's dataclass does."""
        super().__init__(**dict(zip(type(self).model_fields, values, strict=False)), **named)


class ErrorInfo(_Shape):
    """The error that ended it."""

    error_category: ErrorCategory = ErrorCategory.UNKNOWN_ERROR
    error_message: str
    error_code: str | None = None
    tool_name: str | None = None
    context: dict[str, Any] | None = None


class ReflectionContext(_Shape):
    """What to reflect upon; ``project`` None reads as ``default``."""

    events: tuple[Event, ...] = Field(min_length=1)
    outcome: OutcomeType
    tenant_id: str
    project: str | None = None
    error: ErrorInfo | None = None
    task_description: str | None = None
    task_goal: str | None = None
    session_id: UUID | str | None = None
    related_memory_ids: tuple[UUID, ...] = ()


class ReflectionResult(_Shape):
    """A reflection, perhaps with a strategy; ``source_event_ids`` are the events that support it.

    ``importance`` and ``confidence`` are in [0, 1]; ``metadata`` says who wrote it and what it took.
    """

    reflection_text: str
    strategy_text: str | None = None
    importance: float = Field(default=0.5, ge=0, le=1)
    confidence: float = Field(default=0.5, ge=0, le=1)
    tags: list[str] = []
    error_category: ErrorCategory | None = None
    source_event_ids: tuple[str, ...] = ()
    related_memory_ids: tuple[UUID, ...] = ()
    metadata: dict[str, Any] = {}
    generated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
