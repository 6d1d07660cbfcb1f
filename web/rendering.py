"""How a page becomes HTML: the templates, and the words and numbers in them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from memory_maintenance.inspection.cycle_words import minute, short_id, took
from memory_maintenance.printable import printable

TEMPLATES: Final = Path(__file__).parent / "templates"

MILLION: Final = 1e6
THOUSAND: Final = 1e4


def rendered(template: str, **context: Any) -> str:
    """Return *template* filled with *context*; text is escaped, and what a reader would not see is written out."""
    return _ENVIRONMENT.get_template(template).render(context)


def number(value: int) -> str:
    """Return a whole number with its thousands set apart."""
    return f"{value:,}"


def short(value: float) -> str:
    """Return a number for a scale, in at most five letters or so."""
    if value >= MILLION:
        return f"{value / MILLION:.3g}M"
    if value >= THOUSAND:
        return f"{value / 1000:.3g}k"
    return f"{value:,.0f}" if value == int(value) else f"{value:.2g}"


def money(value: Decimal) -> str:
    """Return an amount in the currency of the configured prices; small ones with more places."""
    return f"{value:,.2f}" if value >= 1 or not value else f"{value:.4f}"


def words(name: Any) -> str:
    """Return a name as words."""
    return str(name).replace("_", " ")


def _printable(value: Any) -> Any:
    """Return what a page shows of *value*; markup stays markup."""
    return type(value)(printable(value)) if isinstance(value, str) else value


def _zipped(names: Sequence[Any], values: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(names, values, strict=True))


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.filters |= {
        "number": number,
        "short": short,
        "took": took,
        "time": minute,
        "money": money,
        "words": words,
        "short_id": short_id,
        "zipped": _zipped,
    }
    return made


_ENVIRONMENT: Final = _environment()
