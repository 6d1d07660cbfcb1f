from datetime import UTC, datetime

import pytest
import typer

from commands.instants import instant


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-03-01", 0),
        ("2026-03-01T02", 2),
        ("2026-03-01T02:00", 2),
        ("2026-03-01 02:00", 2),
        ("2026-03-01T02:00Z", 2),
        ("2026-03-01T02:00+01:00", 1),
        ("2026-03-01T02:00:00", 2),
        ("2026-03-01T02:00:00.000Z", 2),
    ],
)
def test_iso_8601_is_read_and_is_utc_unless_it_says_otherwise(text, hour):
    assert instant(text) == datetime(2026, 3, 1, hour, tzinfo=UTC)
    assert instant(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "02:00", "1 March", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_refused_with_one_that_is(text):
    with pytest.raises(typer.BadParameter, match="such as 2026-03-01, ") as refused:
        instant(text)
    assert "%" not in refused.value.message
