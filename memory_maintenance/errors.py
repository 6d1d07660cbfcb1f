"""Every error of the library, in one tree.

    MaintenanceError
    ├── SettingsError                a setting is missing, unknown or out of range
    ├── InvalidRequestError          an argument that no retry will make right
    │   ├── AsOfInFutureError
    │   ├── TenantNotFoundError
    │   ├── SessionNotFoundError
    │   └── MemoryNotFoundError
    ├── StoreError                   Postgres
    │   ├── DatabaseUnavailableError   (a retry helps)
    │   ├── DatabaseRefusedError       wrong password, database or rights
    │   ├── StoreShapeError            a table is not as it has to be
    │   ├── VectorColumnError          the column of embeddings does not take the model's vectors
    │   └── NotMigratedError
    ├── StackError                   a server that the application starts for itself does not run
    └── LanguageModelError           the model
        ├── ModelBusyError             (a retry helps) rate limit, 5xx, connection
        ├── QuestionClaimedError       (a retry helps) another caller asks this now
        ├── AnswerRefusedError         (a retry helps) an answer was bad: ask again
        ├── AnswersExhaustedError      all attempts gave bad answers
        ├── ContextTooLongError        the question does not fit: make smaller chunks
        ├── QuestionRefusedError       the endpoint does not take the question: its filter, or a bad request
        ├── ModelUnavailableError      the breaker is open
        ├── ModelForbiddenError        quota or credentials
        └── BudgetExhaustedError       due again tomorrow

``retryable`` says whether the same call may succeed later without anybody changing
anything; ``retry_after`` is the wait that the failing side asked for, if it did.
A message never holds text of a memory, a prompt or an answer: it may reach a log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar


class MaintenanceError(Exception):
    """The root: whatever this library raises on purpose."""

    retryable: ClassVar[bool] = False
    retry_after: timedelta | None = None


class SettingsError(MaintenanceError):
    """A setting is missing, unknown or out of range."""


class InvalidRequestError(MaintenanceError):
    """An argument that no retry will make right."""


class AsOfInFutureError(InvalidRequestError):
    """``as_of`` lies more than five minutes ahead of the database's clock."""

    def __init__(self, as_of: datetime, now: datetime) -> None:
        super().__init__(
            f"as_of {as_of.isoformat()} is ahead of the database's clock ({now.isoformat()}): "
            "give a time that has come, or correct this machine's clock"
        )


class TenantNotFoundError(InvalidRequestError):
    """No memory and no control row has this tenant id."""

    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"no tenant {tenant_id!r}: see those there are with `starter.py tenants list`")
        self.tenant_id = tenant_id


class SessionNotFoundError(InvalidRequestError):
    """The tenant has no episodic event of this session."""

    def __init__(self, tenant_id: str, session_id: str) -> None:
        super().__init__(f"tenant {tenant_id!r} has no session {session_id!r}: check the id and the project")
        self.session_id = session_id


class ProjectNotFoundError(InvalidRequestError):
    """The tenant has no memory of this project."""

    def __init__(self, tenant_id: str, project: str) -> None:
        super().__init__(f"tenant {tenant_id!r} has no project {project!r}: check both; `default` is for none")


class MemoryNotFoundError(InvalidRequestError):
    """No memory has this id."""

    def __init__(self, memory_id: object) -> None:
        super().__init__(f"no memory {memory_id}: check the id")


class StoreError(MaintenanceError):
    """Postgres could not do what was asked."""


class DatabaseUnavailableError(StoreError):
    """Postgres does not answer, or ended the connection."""

    retryable = True


class DatabaseRefusedError(StoreError):
    """Postgres answers and says no: wrong user, password, database or rights."""


class StoreShapeError(StoreError):
    """The memories table cannot be used as it is, or a table of ours was dropped: the message says what to do."""


class VectorColumnError(StoreError):
    """The column that holds embeddings does not take the vectors of EMBEDDING_MODEL."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A word from a closed set: wrong_dimension or not_taken."""


class NotMigratedError(StoreError):
    """The schema ``maintenance`` is missing or older than this code."""

    def __init__(self) -> None:
        super().__init__("the store is not migrated for this version: run `python starter.py migrate`")


class StackError(MaintenanceError):
    """A server that the application starts for itself cannot be started or joined."""


class LanguageModelError(MaintenanceError):
    """The language model gave nothing that can be used."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A word from a closed set, fit for a metric label."""


class ModelBusyError(LanguageModelError):
    """Rate limit, server error or no connection: waiting helps."""

    retryable = True

    def __init__(self, reason: str, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after = retry_after


class QuestionClaimedError(LanguageModelError):
    """Another caller is asking the same question at this moment."""

    retryable = True

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("claimed", "another caller is asking the same question: its answer will serve both")
        self.retry_after = retry_after


class AnswerRefusedError(LanguageModelError):
    """The model answered, and the answer is not fit to be stored."""

    retryable = True
    retry_after = timedelta(0)


class AnswersExhaustedError(LanguageModelError):
    """Every permitted attempt at this question gave an answer that was refused."""


class ContextTooLongError(LanguageModelError):
    """The question does not fit into the model's context."""


class QuestionRefusedError(LanguageModelError):
    """The endpoint answers and does not take this question: its content filter, or it calls the request bad."""


def is_about_content(error: LanguageModelError) -> bool:
    """Return whether what was asked may be to blame, and not an outage, a quota or a budget."""
    return isinstance(error, (AnswersExhaustedError, ContextTooLongError, QuestionRefusedError))


class ModelUnavailableError(LanguageModelError):
    """The breaker is open: the model failed for longer than ``MODEL_PATIENCE``."""


class ModelForbiddenError(LanguageModelError):
    """The endpoint refuses us: quota used up, wrong key, unknown model."""


class BudgetExhaustedError(LanguageModelError):
    """Today's tokens or money are used up; the work is due again tomorrow."""
