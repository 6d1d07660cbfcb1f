"""What Postgres, asyncpg and the network report, as our errors: which is worth a retry, and what a person does.

A foreign error's text may hold a row's content, so only its type and SQLSTATE go on.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import asyncpg

from memory_maintenance.errors import (
    DatabaseBusyError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    InvalidRequestError,
    MaintenanceError,
    NotMigratedError,
    StatementTimeoutError,
    StoreError,
)
from memory_maintenance.redaction import HIDDEN, shown_address


class Verdict(NamedTuple):
    """The error that is raised for a state, and what it says: where, and what kind of error Postgres calls it."""

    error: type[MaintenanceError]
    says: str


_NO_ANSWER: Final = Verdict(DatabaseUnavailableError, "{where} does not answer: {kind}; is it running?")
_CLOSED: Final = Verdict(
    DatabaseUnavailableError,
    "{where} has closed the connection: {kind}; is it running, or did this process stand still in a transaction?",
)
_NO_RIGHT: Final = Verdict(DatabaseRefusedError, "{where} refused: {kind}; check DATABASE_URL and its rights")
_POOLER: Final = Verdict(
    DatabaseRefusedError,
    "{where} is behind a pooler that lends a session per transaction: {kind}; open the pool with "
    "statement_cache_size=0, or name Postgres's own port",
)

VERDICTS: Final[Mapping[str, Verdict]] = {
    # The connection has gone, or the server is going, down or not yet up: the next attempt meets it when it is back.
    "08": _NO_ANSWER,
    "08P01": Verdict(  # pgbouncer's word for whatever keeps it from lending a session
        DatabaseUnavailableError, "{where} has no session to lend: {kind}; look at the pooler's log"
    ),
    "08003": _CLOSED,  # asyncpg's word for the next two and for 25P03, where they end a connection that is in use
    "57P01": _NO_ANSWER,
    "57P02": _NO_ANSWER,
    "57P03": _NO_ANSWER,
    "57P05": _NO_ANSWER,
    # The machine is short of something, or cannot read or write a file: that passes, or an operator mends it.
    "53": Verdict(DatabaseUnavailableError, "{where} is short of a resource: {kind}; look at its memory and its disk"),
    "53100": Verdict(DatabaseUnavailableError, "the disk of {where} is full: {kind}; free space on it"),
    "53300": Verdict(DatabaseUnavailableError, "{where} has no connection free: {kind}; lower DATABASE_POOL_SIZE"),
    "58": Verdict(DatabaseUnavailableError, "{where} has trouble with its machine: {kind}; look at its log"),
    # A failover takes seconds. An address that always is a standby's is stopped by the preflight.
    "25006": Verdict(DatabaseUnavailableError, "{where} is read-only: {kind}; a failover, or the address of a standby"),
    # Ended by our own bound: this process stood still in a transaction, and others wanted its locks. A new one begins.
    "25P03": Verdict(
        DatabaseUnavailableError,
        "{where} ended a transaction that stood still: {kind}; this process was frozen or starved, or "
        "idle_in_transaction_session_timeout is very short",
    ),
    # Another session holds or has just changed what the statement needs; nothing of it was done.
    "40001": Verdict(DatabaseBusyError, "{where} had another transaction in the way: {kind}"),
    "40P01": Verdict(DatabaseBusyError, "{where} had another transaction in the way: {kind}"),
    "55P03": Verdict(
        DatabaseBusyError, "{where} has what is needed locked by another session: {kind}; look for long transactions"
    ),
    # Under a passing load the next attempt is faster; a statement that is always too long stays so.
    "57014": Verdict(
        StatementTimeoutError,
        "{where} cancelled a statement: {kind}; statement_timeout of the role or database, or an operator",
    ),
    "25P04": Verdict(
        StatementTimeoutError, "{where} ended a transaction: {kind}; transaction_timeout of the role or database"
    ),
    # What is wrong stays wrong until an operator changes it.
    "28": _NO_RIGHT,
    "3D000": _NO_RIGHT,
    "57P04": _NO_RIGHT,
    "42501": _NO_RIGHT,
    "26000": _POOLER,
    "42P05": _POOLER,
    "22": Verdict(InvalidRequestError, "a value does not fit its column ({kind}): check the ids"),
}
"""By SQLSTATE, or by its class: the first two characters. What is not here is a ``StoreError`` without a retry."""

_LOST: Final = re.compile(r"\bis clos(ed|ing)\b|has been released back to the pool|another operation is")
"""asyncpg has one type for a connection that has gone and for a call that is wrong: only its words differ.

Also one that the server ended is "released back to the pool", and one whose statement was cancelled has
"another operation" on it.
"""

_MISSING: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)

_OURS: Final = ("maintenance.", "base_importance", "decayed_importance")


@contextmanager
def store_errors(where: str = "the database") -> Iterator[None]:
    """Turn errors of Postgres and of the network into ours, without their text.

    What asyncpg says of a call that is wrong stays as it is: a defect, which no retry mends.
    """
    try:
        yield
    except MaintenanceError:
        raise
    except _MISSING as error:
        raise _missing(error) from None
    except asyncpg.PostgresError as error:
        raise _judged(error, where) from None
    except asyncpg.InterfaceError as error:
        if not _LOST.search(str(error)):
            raise
        raise DatabaseUnavailableError(_CLOSED.says.format(where=where, kind=_kind(error))) from None
    except TimeoutError as error:
        says = f"gave no answer in time: {_kind(error)}; is it running, and is DATABASE_TIMEOUT_SECONDS long enough?"
        raise DatabaseUnavailableError(f"{where} {says}") from None
    except (asyncpg.InternalClientError, OSError) as error:
        # InternalClientError: the server has said that it ends the connection, and has not yet done so.
        raise DatabaseUnavailableError(_NO_ANSWER.says.format(where=where, kind=_kind(error))) from None


@contextmanager
def connection_errors(dsn: str) -> Iterator[None]:
    """Turn errors of connecting to *dsn* into ours; what an address or a certificate lacks is said."""
    with store_errors(where=address(dsn)):
        try:
            yield
        except MaintenanceError:
            raise
        except ssl.SSLCertVerificationError:
            raise DatabaseRefusedError(
                f"the certificate of {address(dsn)} is not one of the root certificate, or names another host: "
                "check sslrootcert in DATABASE_URL"
            ) from None
        except (ssl.SSLError, FileNotFoundError, ValueError) as error:
            raise (_without_certificate(dsn, error) or error) from None
        except asyncpg.InterfaceError as error:
            if _LOST.search(str(error)):
                raise
            raise DatabaseRefusedError(
                f"{address(dsn)} wants a log-in that asyncpg cannot do ({_kind(error)}): let it take scram-sha-256"
            ) from None


def address(dsn: str) -> str:
    """Return host, port and database of *dsn*, without user and password."""
    try:
        parts = urlsplit(dsn)
        place = f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        place = HIDDEN
    clear = "://" in dsn and HIDDEN not in (place, shown_address(dsn))
    return place if clear else "the address in DATABASE_URL"


def _judged(error: asyncpg.PostgresError, where: str) -> MaintenanceError:
    state = error.sqlstate or ""
    verdict = VERDICTS.get(state) or VERDICTS.get(state[:2])
    if verdict is None:
        return StoreError(f"a statement failed: {_kind(error)}")
    return verdict.error(verdict.says.format(where=where, kind=_kind(error)))


def _missing(error: asyncpg.PostgresError) -> StoreError:
    named = str(error)
    if any(name in named for name in _OURS):
        return NotMigratedError()
    return StoreError(f"the store lacks something a statement needs: {_kind(error)}; run `python starter.py migrate`")


def _without_certificate(dsn: str, error: Exception) -> DatabaseRefusedError | None:
    """Return what to set where *error* is about an address that cannot be read or a file it names; else None."""
    verifies = "sslmode=verify" in dsn or os.environ.get("PGSSLMODE", "").startswith("verify")
    if verifies and ("root certificate" in str(error) or not isinstance(error, ValueError)):
        return DatabaseRefusedError(
            f"sslmode asks for a root certificate to check {address(dsn)} by, and no readable one was found: set "
            "sslrootcert=FILE in DATABASE_URL or PGSSLROOTCERT=FILE, or put it at ~/.postgresql/root.crt"
        )
    if isinstance(error, ValueError):
        return DatabaseRefusedError(f"DATABASE_URL cannot be read ({type(error).__name__}): see README")
    return None


def _kind(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} (SQLSTATE {state})" if state else type(error).__name__
