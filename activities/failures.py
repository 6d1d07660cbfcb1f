"""Our errors become Temporal's: the one place that decides whether Temporal retries.

Activities therefore have no try/except. A foreign error's text never leaves the process:
it may hold a memory's content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.heartbeat import beating
from memory_maintenance.errors import LanguageModelError, MaintenanceError, PreflightError
from memory_maintenance.spans import identified

logger = structlog.get_logger(__name__)

ATTEMPTS_AT_A_DEFECT = 5
"""How often an error that is not ours is retried: it is a defect, or it is nothing we foresaw."""


_NAMED: Final = ("tenant_id", "cycle_id")
"""Of a request or its run, what log lines are found by besides the workflow."""


class FailureInterceptor(Interceptor):
    """Binds what identifies an attempt to its log lines, lets it beat, and translates its errors."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap every activity of the worker."""
        return _Translating(next)


class _Translating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        with structlog.contextvars.bound_contextvars(**identified(_identity(info, input.args))):
            try:
                async with beating():
                    return await self.next.execute_activity(input)
            except (ApplicationError, CancelledError):
                raise
            except MaintenanceError as error:
                raise _from_ours(error, info.attempt) from None
            except Exception as error:  # noqa: BLE001  the boundary: what is not ours is named by its type only
                raise _from_foreign(error, info.attempt) from None


def _identity(info: activity.Info, args: Sequence[Any]) -> dict[str, Any]:
    """Return what an attempt's log lines are found by; of tenant and cycle what its request names."""
    request = args[0] if args else None
    parts = (request, getattr(request, "run", None))
    named = {name: str(getattr(part, name)) for part in parts for name in _NAMED if hasattr(part, name)}
    return {
        "activity": info.activity_type,
        "workflow_id": info.workflow_id,
        "run_id": info.workflow_run_id,
        "attempt": info.attempt,
        **named,
    }


def _from_ours(error: MaintenanceError, attempt: int) -> ApplicationError:
    gives_up = not error.retryable or (error.most_attempts is not None and attempt >= error.most_attempts)
    details = (error.reason,) if isinstance(error, LanguageModelError | PreflightError) else ()
    logger.warning("activity_failed", error_type=type(error).__name__, error=str(error), retryable=not gives_up)
    return ApplicationError(
        str(error),
        *details,
        type=type(error).__name__,
        non_retryable=gives_up,
        next_retry_delay=error.retry_after,
    )


def _from_foreign(error: Exception, attempt: int) -> ApplicationError:
    name = type(error).__name__
    where = _innermost_frame(error)
    logger.error("activity_raised", error_type=name, at=where)
    return ApplicationError(f"{name} at {where}", type=name, non_retryable=attempt >= ATTEMPTS_AT_A_DEFECT)


def _innermost_frame(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
