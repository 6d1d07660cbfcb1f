"""What is embedded together, and what is left out of a text that is too long."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

BATCH: Final = 64
"""Texts of one request."""

LONGEST_TEXT: Final = 24_000
"""Characters of a text that are embedded: some 6,000 tokens, which the larger embedding models take."""

_SHORTEST_PART: Final = 400
"""Characters that every model takes."""


def smaller(texts: Mapping[str, str], *, too_long: bool) -> list[dict[str, str]]:
    """Return smaller batches in place of one that was refused; none where there is nothing left to try.

    Halves of a batch find the text that is to blame. One that is too long alone is halved itself:
    a memory found by its first half is better than one that is not found.

    Args:
        texts: the batch, texts by name.
        too_long: whether it was refused for its length.
    """
    if len(texts) > 1:
        items = iter(texts.items())
        return [dict(islice(items, len(texts) // 2)), dict(items)]
    [(name, text)] = texts.items()
    return [{name: text[: len(text) // 2]}] if too_long and len(text) > _SHORTEST_PART else []
