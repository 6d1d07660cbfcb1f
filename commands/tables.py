"""Tables in the style of all commands, and what a narrow screen has no room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table

from commands.console import out
from memory_maintenance.printable import in_one_line

_GAP: Final = 2
_NARROW: Final = 10
"""Columns that a text needs at least: a date, a word."""
_LONGEST: Final = 80


def _shortened(text: str) -> str:
    """Return *text* up to its 80th character."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class OwnTable(Table):
    """A table whose cells are one line each: other people's text widens a column by what is shown of it."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row as ``Table.add_row`` does."""
        texts = [in_one_line(cell) if isinstance(cell, str) else cell for cell in cells]
        super().add_row(*texts, **options)
        # A number is whole on every screen: its column's name folds instead.
        for column, text in zip(self.columns, texts, strict=False):
            if column.justify == "right" and isinstance(text, str):
                column.min_width = max(column.min_width or 0, cell_len(text))


def table(title: str | None, *columns: str) -> OwnTable:
    """Return an empty table in the style of all commands; columns that end in ``#`` are numbers."""
    empty = OwnTable(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        pad_edge=False,
    )
    for column in columns:
        number = column.endswith("#")
        empty.add_column(column.removesuffix("#"), justify="right" if number else "left", overflow="fold")
    return empty


def show_titled(title: str, rows: Table) -> None:
    """Print a table below its title."""
    # Not as the table's own title: that wraps at the width of the table.
    out.print(f"\n{title}", style="bold", highlight=False, soft_wrap=True)
    out.print(rows, highlight=False)


def fitting_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    whole: int,
    least_needed: Sequence[str] | None = None,
) -> Table:
    """Return a table in the width of the screen; a line below names the columns that do not fit.

    Args:
        columns: names, as of ``table``.
        rows: a text for each column.
        whole: how many columns, from the first, never fold: what is left of an id or a state says nothing. Only one
            of more than 80 characters is cut, which no screen has room for.
        least_needed: columns to leave out where there is no room, the first to go first; None: those that may
            fold, from the last on.
    """
    lines = [[in_one_line(text) for text in row] for row in rows]
    rows = [[_shortened(text) for text in line[:whole]] + line[whole:] for line in lines]
    needed = {name: _needed(name, [row[at] for row in rows], is_whole=at < whole) for at, name in enumerate(columns)}
    going = list(reversed(columns[whole:]) if least_needed is None else least_needed)
    while going and sum(needed.values()) + _GAP * (len(needed) - 1) > out.width:
        del needed[going.pop(0)]
    shown = table(None, *needed)
    for column, name in zip(shown.columns, needed, strict=True):
        if name in columns[:whole]:
            column.no_wrap, column.overflow = True, "ignore"
            column.header = _aligned(name, str(column.header), needed[name])
    for row in rows:
        texts = zip(columns, row, strict=True)
        shown.add_row(*(_aligned(name, text, needed[name]) for name, text in texts if name in needed))
    if len(needed) < len(columns):
        left_out = ", ".join(name.removesuffix("#") for name in columns if name not in needed)
        shown.caption, shown.caption_justify = f"columns that do not fit: {left_out}; --json has all", "left"
    return shown


def _aligned(name: str, text: str, width: int) -> str:
    """Return the text of a column that never folds as wide as the column: Rich aligns none that overflows."""
    return " " * (width - cell_len(text)) + text if name.endswith("#") else text


def _needed(name: str, texts: Sequence[str], *, is_whole: bool) -> int:
    """Return the width that a column needs at least."""
    longest = max(map(cell_len, (name.removesuffix("#"), *texts)))
    return longest if is_whole else min(longest, _NARROW)
