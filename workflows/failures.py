"""What a failed step tells a workflow: a name, a word, a message of our own; never a foreign text."""

from temporalio import exceptions, workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from memory_maintenance.cycles.outcomes import CycleFailure


def error_type(error: ActivityError) -> str:
    """Return the name of what ended a step: one of our errors, or Temporal's time-out."""
    cause = error.cause
    return str(cause.type) if isinstance(cause, ApplicationError) else type(cause).__name__


def reason(error: ActivityError) -> str:
    """Return why a step failed, as a word of a closed set where our error carries one."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.details:
        return str(cause.details[0])
    return error_type(error)


def was_cancelled(error: BaseException) -> bool:
    """Return whether a step ended because this workflow is cancelled.

    So does one whose worker is lost then, or whose attempt fails in a way that is retried otherwise: Temporal does not
    retry an activity that it was asked to cancel.
    """
    if is_cancelled_exception(error):
        return True
    cause = error.cause if isinstance(error, ActivityError) else None
    retried = isinstance(cause, exceptions.TimeoutError) or (
        isinstance(cause, ApplicationError) and not cause.non_retryable
    )
    return retried and workflow.cancellation_reason() is not None


def cycle_failure(error: BaseException) -> CycleFailure:
    """Return what ended a cycle: a step's own error where there is one."""
    cause = error.cause if isinstance(error, FailureError) and error.cause else error
    if isinstance(cause, ApplicationError):
        return CycleFailure(error_type=str(cause.type), message=cause.message)
    return CycleFailure(error_type=type(cause).__name__)
