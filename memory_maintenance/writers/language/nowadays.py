"""Whether "today" means this day or these days: the tools that people use today have no date."""

from __future__ import annotations

import re
from typing import Final

_PHRASE: Final = re.compile(
    r"""
    \b(?: (?: of | even | up\ to | relevant | popular | world | society
            | (?: it | they | we )\ (?: is | are ) | (?: that | than | as )\ (?: we | people )\ do
            | (?: people | we | they | still )\ (?: use | know | see | call | live )
            | welt\ von | wie\ wir\ \w+ | encore | aún | todavía | hasta | do )\ | d['’] )\v
    | \bbis\ \vheute\b (?!\ (?: um | \d ))
    | \v today['’]s (?:\ [\w-]+ ){0,3}\ (?: world | society | age | era | market | economy | industry | landscape
        | standards | youth | culture | audiences | times | technology | generation | environment | climate )\b
    | \v hoy\ en\ día\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words beside a "today", which stands behind a vertical tab, that make it these days whatever else is said."""

_GENERAL: Final = re.compile(
    r"\b(?:still|continues?|many|most|modern|contemporary|era|century|centuries|ancient|medieval|enduring|legacy)\b"
    r"|\b(?:people|audiences|\w+(?:makers|graphers|ists|ians|asts)) \v",
    re.IGNORECASE,
)
_OWN: Final = re.compile(r"\b(?:i|we|my|our|me|us)\b", re.IGNORECASE)
_OPINION: Final = re.compile(r"\b(?:i|we|you) (?:\w+ )?(?:think|believe|feel|guess|wonder)\b", re.IGNORECASE)


def means_nowadays(before: str, today: str, after: str) -> bool:
    """Return whether *today*, as a sentence writes it, means these days, by what stands before and after it there.

    What the speakers say of themselves is of that day, unless the words beside it say otherwise.
    """
    sentence = f"{before}\v{today}{after}"
    if _PHRASE.search(sentence):
        return True
    return _GENERAL.search(sentence) is not None and not _OWN.search(_OPINION.sub("", sentence))
