import pytest

from commands.console import Terminal
from commands.tables import table

TABLES = [
    (
        ("tenant", "kind", "last success (UTC)", "ago", "not completed since#"),
        ("acme-corporation-production-eu", "daily", "2026-03-10 02:00", "12 d 3 h", "1,234,567"),
    ),
    (
        ("", "today#", "tonight#", "day 365#", "present rule, day 365#"),
        ("50% are at or below", "0.1234", "0.2345", "0.3456", "0.4567"),
    ),
]


@pytest.mark.parametrize(("columns", "row"), TABLES, ids=["status", "simulate"])
@pytest.mark.parametrize("width", [60, 80])
def test_no_number_is_cut_on_a_narrow_screen(columns, row, width):
    rows = table(None, *columns)
    rows.add_row(*row)
    screen = Terminal(width=width, markup=False, emoji=False)
    with screen.capture() as shown:
        screen.print(rows)
    numbers = {text for name, text in zip(columns, row, strict=True) if name.endswith("#")}
    assert numbers <= set(shown.get().split())
    assert "…" not in shown.get()
