"""Points in time as an operator types and reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer


def instant(text: str) -> datetime:
    """Return the time that *text* names in ISO 8601, in UTC; a date alone is its midnight, no zone is UTC.

    Raises:
        BadParameter: it names none.
    """
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a time in ISO 8601, such as 2026-03-01, 2026-03-01T02:00 or 2026-03-01T02:00:00+01:00"
        ) from None


AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        parser=instant,
        metavar="TIME",
        help="The instant to reckon from: a date or a time in ISO 8601; UTC unless it says otherwise.",
    ),
]
