"""What may be shown of an address: neither a user, nor a password, nor the values of a query."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "(set)"
"""What is shown in place of a secret."""

_ADDRESS: Final = re.compile(
    r"""
    (?P<scheme>[a-z][a-z0-9+.-]*://)?
    (?P<user>[^@/?\#\s]*@)?
    (?P<place>
        (?:[\w.-]*|\[[\da-f:.%]+\])(?::\d+)?          # a host, and its port
        (?:,(?:[\w.-]*|\[[\da-f:.%]+\])(?::\d+)?)*    # Postgres takes several
        (?:/[^@?\#\s]*)?
    )
    (?P<query>[?\#][^@]*)?
    """,
    re.VERBOSE | re.IGNORECASE,
)

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_AFTER_A_URL: Final = ".,;:!?)]}>'\"`"
"""Punctuation of the sentence that a URL ends, or is quoted by."""


def shown_address(address: str) -> str:
    """Return scheme, host, port and path of *address*; user, password and query are replaced.

    An address that cannot be taken apart beyond doubt, as one with an unescaped ``/`` in its password, is hidden
    whole.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return HIDDEN
    user = "***@" if match["user"] else ""
    query = f"{match['query'][0]}***" if match["query"] else ""
    return f"{match['scheme'] or ''}{user}{match['place']}{query}"


def place_of(address: str) -> str:
    """Return host, port and path of *address*; hidden where they cannot be distinguished from a secret."""
    match = _ADDRESS.fullmatch(address)
    return HIDDEN if match is None else match["place"]


def without_credentials(text: str) -> str:
    """Return *text* with ``shown_address`` in place of each URL in it."""
    return _URL.sub(_shown_url, text) if "://" in text else text


def _shown_url(match: re.Match[str]) -> str:
    url = match[0].rstrip(_AFTER_A_URL)
    shown = shown_address(url)
    return shown if shown == HIDDEN else shown + match[0][len(url) :]
