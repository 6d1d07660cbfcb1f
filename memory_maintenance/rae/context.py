"""What a reflection is generated from, and what comes of it: RAE's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from memory_maintenance.rae.projects import chosen_project


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
    """One of RAE's dataclasses: fields by position or by name, None for a default, and attributes that can be set.

    Each class has an ``__init__`` of its own because type checkers take that of a model as keywords only.
    A validation error does not repeat what was given: that is text of memories.
    """

    model_config = ConfigDict(validate_assignment=True, hide_input_in_errors=True)

    def __init__(self, *values: Any, **named: Any) -> None:
        fields = type(self).model_fields
        if len(values) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} values, {len(values)} were given")
        by_position = dict(zip(fields, values, strict=False))
        if twice := by_position.keys() & named.keys():
            raise TypeError(f"{type(self).__name__} got {', '.join(sorted(twice))} by position and by name")
        given = by_position | named
        super().__init__(**{name: value for name, value in given.items() if not _reads_as_default(fields, name, value)})


def _reads_as_default(fields: Mapping[str, FieldInfo], name: str, value: object) -> bool:
    return value is None and name in fields and not fields[name].is_required()


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
        super().__init__(*values, **named)


class ErrorInfo(_Shape):
    """The error that ended it."""

    error_category: ErrorCategory = ErrorCategory.UNKNOWN_ERROR
    error_message: str
    error_code: str | None = None
    traceback: str | None = None
    """Not given to a model."""
    tool_name: str | None = None
    context: dict[str, Any] | None = None

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)


class ReflectionContext(_Shape):
    """What to reflect upon; ``project`` None reads as ``default``, ``project_id`` is its older name."""

    events: list[Event] = Field(min_length=1)
    outcome: OutcomeType
    tenant_id: str
    project: str | None = None
    error: ErrorInfo | None = None
    task_description: str | None = None
    task_goal: str | None = None
    session_id: UUID | str | None = None
    user_preferences: dict[str, Any] | None = None
    """Not used, as ``previous_attempts``: RAE has them and gives them to no model."""
    previous_attempts: int = 0
    related_memory_ids: list[UUID] = []

    def __init__(self, *values: Any, project_id: str | None = None, **named: Any) -> None:
        if project_id is not None:
            named["project"] = chosen_project(project_id, named.get("project"))
        super().__init__(*values, **named)


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
    source_event_ids: list[str] = []
    related_memory_ids: list[UUID] = []
    metadata: dict[str, Any] = {}
    generated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
