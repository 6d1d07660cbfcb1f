"""What a failed step tells a workflow: a name and a word, never a text."""

from temporalio.exceptions import ActivityError, ApplicationError


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
