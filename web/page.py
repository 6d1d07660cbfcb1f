"""What a page is: a path, a name in the navigation, and a function that reads what its template is filled with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams

from web.sources import Sources


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with what it is filled with."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


Read = Callable[[Sources, QueryParams], Awaitable[Filled]]

Write = Callable[[Sources, Mapping[str, str]], Awaitable[str]]
"""Does what a form asks for, and returns the address of the page to show then."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; without a name it is reached by links only."""

    path: str
    read: Read
    name: str | None = None
    below: str | None = None
    """Path of the page that the navigation shows as current; None: its own."""
    write: Write | None = None
    """Takes the page's form, where the pages were started with ``--allow-review``."""
