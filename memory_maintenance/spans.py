"""Spans of a trace: statements and model calls, where the process has set a tracer of OpenTelemetry; else nothing.

A span holds names, ids and numbers, never a parameter, a prompt or the text of an error: that may be a memory's.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class _Tracing:
    """The tracer of this process; OpenTelemetry is an extra, so its types are not named here."""

    tracer: Any = None


def trace_with(tracer: Any) -> None:
    """Let this process's statements and model calls be spans of *tracer*; None: of none."""
    _Tracing.tracer = tracer


def span(name: str, attributes: Mapping[str, str]) -> AbstractContextManager[Any]:
    """Return a context that is a span of the current trace."""
    if _Tracing.tracer is None:
        return nullcontext()
    context: AbstractContextManager[Any] = _Tracing.tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    )
    return context


def identified(identity: dict[str, Any]) -> dict[str, Any]:
    """Put *identity* on the current span, and return it with the ids of the trace and the span, for log lines."""
    if _Tracing.tracer is None:
        return identity
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span  # noqa: PLC0415  an extra

    current = get_current_span()
    current.set_attributes(identity)
    context = current.get_span_context()
    return {**identity, "trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}
