"""Information classes as RAE has them; the SQL of it is ``maintenance.class_rank`` and ``maintenance.is_excluded``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

CLASSES: Final = ("public", "internal", "confidential", "restricted")
"""From the least restricted on. Any other class counts as restricted."""

UNCLASSIFIED: Final = "internal"
"""What a memory without a class counts as."""


def is_excluded(info_class: str, excluded: Collection[str]) -> bool:
    """Return whether *excluded* names a class, or names ``restricted`` and this one counts as that."""
    return info_class in excluded or (info_class not in CLASSES and CLASSES[-1] in excluded)


def more_restricted(excluded: Collection[str]) -> list[str]:
    """Return the classes above the least restricted one of *excluded* that are not in it: an oversight, mostly."""
    ranks = [CLASSES.index(one) for one in excluded if one in CLASSES]
    return [one for one in CLASSES[min(ranks) :] if one not in excluded] if ranks else []
