"""Every error of the application, in one tree.

    MaintenanceError
    ├── SettingsError                a setting is missing, unknown or out of range
    ├── InvalidRequestError          an argument that no retry will make right
    │   ├── AsOfInFutureError
    │   ├── TenantNotFoundError
    │   ├── SessionNotFoundError
    │   ├── ProjectNotFoundError
    │   ├── MemoryNotFoundError
    │   ├── CycleNotFoundError
    │   ├── ChangeNotFoundError
    │   └── ChangeRefusedError     something has changed since, so it is neither applied nor taken back
    ├── StoreError                   Postgres
    │   ├── DatabaseUnavailableError   (a retry helps) an outage, a failover, too many connections
    │   │   └── DatabaseBusyError      (a retry helps) other sessions hold what a statement needs
    │   ├── StatementTimeoutError      (a retry helps) three attempts: a time-out that a DBA set
    │   ├── DatabaseRefusedError       wrong password, database or rights
    │   ├── StoreShapeError            a table is not as it has to be
    │   ├── PreflightError             the store is not fit for a run: a standby, hidden rows, a wrong clock
    │   ├── VectorColumnError          the column of embeddings does not take the model's vectors
    │   └── NotMigratedError
    ├── StackError                   a server that the application starts for itself does not run
    ├── TemporalUnreachableError       (a retry helps) nothing answers at the address
    ├── TemporalRefusedError         Temporal answers and says no
    │   └── TemporalGarbledError       (a retry helps) the connection ends: wrong port, TLS on one side, a restart
    ├── SearchAttributeTypeError     the name is registered with another type
    ├── RegistrationRefusedError     no right to register search attributes
    ├── ScheduleNotFoundError
    ├── ScheduleSilentError          Temporal accepted a change to a Schedule and did not apply it
    ├── NoWorkerError                no worker polls the task queue
    ├── NoWorkerOfBuildError         no worker of the build polls, so it cannot become the current version
    ├── WorkerEndedError             the SDK gave up a worker
    ├── WebhookError                   (a retry helps) a receiver of webhooks does not take an event now
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
anything; ``most_attempts`` how many calls are worth making, where that is not as many as time permits;
``retry_after`` is the wait that the failing side asked for, if it did.
A message never holds text of a memory, a prompt or an answer: it may reach a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from memory_maintenance.invocation import as_invoked
from memory_maintenance.redaction import shown_address, without_credentials


class MaintenanceError(Exception):
    """The root: whatever the application raises on purpose."""

    retryable: ClassVar[bool] = False
    most_attempts: ClassVar[int | None] = None
    retry_after: timedelta | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(without_credentials(as_invoked(message)))


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
        super().__init__(f"no tenant {tenant_id!r}: list them with `starter.py tenants list`")
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


class CycleNotFoundError(InvalidRequestError):
    """No cycle, or more than one, has an id that begins so."""

    def __init__(self, beginning: str | None, *, ambiguous: bool = False) -> None:
        if beginning is None:
            super().__init__("there is no cycle yet: starter.py run daily")
            return
        which = "more than one cycle has an id that begins with" if ambiguous else "no cycle has the id"
        super().__init__(f"{which} {beginning!r}: list them with `starter.py cycles`")


class ChangeNotFoundError(InvalidRequestError):
    """No change or proposal has this number."""

    def __init__(self, change_id: int) -> None:
        super().__init__(f"no change {change_id}: list them with `starter.py changes list` or `starter.py review list`")
        self.change_id = change_id


class ChangeRefusedError(InvalidRequestError):
    """A change is neither applied nor taken back, because something has changed since."""

    def __init__(self, change_id: int, why: str) -> None:
        super().__init__(f"change {change_id}: {why}")
        self.change_id = change_id
        self.why = why


class StoreError(MaintenanceError):
    """Postgres could not do what was asked."""


class DatabaseUnavailableError(StoreError):
    """Postgres does not answer, ended the connection, or cannot do it now: read-only, out of connections."""

    retryable = True


class DatabaseBusyError(DatabaseUnavailableError):
    """Postgres answers, and other sessions hold or have just changed what a statement needs."""


class StatementTimeoutError(StoreError):
    """Postgres cancelled a statement: statement_timeout or transaction_timeout, as a rule set by a DBA."""

    retryable = True
    most_attempts = 3


class DatabaseRefusedError(StoreError):
    """Postgres answers and says no: wrong user, password, database or rights."""


class StoreShapeError(StoreError):
    """The memories table cannot be used, or a table of schema maintenance was dropped: the message says what to do."""


class PreflightError(StoreError):
    """The preflight of a run found what makes the store unusable; nothing was planned."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """The name of the check: a word from a closed set."""


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


class TemporalUnreachableError(MaintenanceError):
    """Nothing answers as a Temporal frontend at the address."""

    retryable = True

    def __init__(self, address: str) -> None:
        super().__init__(
            f"Temporal does not answer at {shown_address(address)}: start the server, or correct TEMPORAL_ADDRESS "
            "(unset it to use the embedded one)"
        )


class TemporalRefusedError(MaintenanceError):
    """Something answers at the address and says no; trying again does not help."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"Temporal at {shown_address(address)} {why}")


class TemporalGarbledError(TemporalRefusedError):
    """Something answers and hangs up: a wrong port or TLS on one side only, or a server that is just stopping."""

    retryable = True


class SearchAttributeTypeError(MaintenanceError):
    """The name is registered with another type."""

    def __init__(self, name: str, namespace: str) -> None:
        super().__init__(
            f"search attribute {name} is registered in namespace {namespace!r} with another type than Keyword: "
            f"`temporal operator search-attribute remove --name {name}`, then apply again"
        )


class RegistrationRefusedError(MaintenanceError):
    """The server does not let us register search attributes."""

    def __init__(self, names: Sequence[str]) -> None:
        wanted = " ".join(f"--name {name} --type Keyword" for name in names)
        super().__init__(
            "no right to register search attributes; runs work without them, and someone with the right creates them: "
            f"`temporal operator search-attribute create {wanted}`"
        )


class ScheduleNotFoundError(MaintenanceError):
    """The server has no such Schedule."""

    def __init__(self, schedule_id: str) -> None:
        super().__init__(f"no Schedule {schedule_id}: create it with `starter.py schedules apply`")


class ScheduleSilentError(MaintenanceError):
    """The server accepted a change and did not apply it."""

    def __init__(self, schedule_id: str, patience_seconds: float) -> None:
        super().__init__(
            f"Temporal accepted the change to {schedule_id} but did not apply it within "
            f"{patience_seconds:g} s: see `starter.py schedules list`, and try again"
        )


class NoWorkerError(MaintenanceError):
    """No worker polls the task queue: the run would wait for ever."""

    def __init__(self, task_queue: str) -> None:
        super().__init__(f"no worker polls task queue {task_queue!r}: start one with `python worker.py`")


class NoWorkerOfBuildError(MaintenanceError):
    """Temporal knows a build only once its workers poll."""

    def __init__(self, deployment_name: str, build_id: str, waited_seconds: float, said: str) -> None:
        super().__init__(
            f"build {build_id!r} of {deployment_name} did not become the current version within {waited_seconds:g} s "
            f"({said}): see whether its workers run"
        )


class WorkerEndedError(MaintenanceError):
    """The SDK has given up a worker, as it does where the server goes away while the worker starts."""

    def __init__(self, error: RuntimeError) -> None:
        super().__init__(f"a worker ended by itself: {str(error).splitlines()[0][:200]}")


class WebhookError(MaintenanceError):
    """A receiver of webhooks could not take an event now: it stays in the outbox."""

    retryable = True

    def __init__(self, receiver: str, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(
            f"the receiver of webhooks at {receiver} does not take events now ({reason}): the next cycle sends them "
            "again; `starter.py webhooks test` tries the receiver"
        )
        self.reason = reason
        """A word from a closed set."""
        self.retry_after = retry_after


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
