"""Commands in messages, in the form the user can type: messages say ``starter.py ...``, and this module rewrites it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

_HINT: Final = re.compile(r"\b(?:python )?(starter|worker)\.py\b")
_OF_THE_LIBRARY: Final = re.compile(r"\b(?:python )?starter\.py (migrate|doctor)\b")
_ELSEWHERE: Final = " (starter.py and worker.py are in a clone of the project)"
"""Of commands that the library by itself does not have."""

_CLONE: Final = Path(__file__).parent.parent


def as_invoked(text: str, *, argv: str | None = None, clone: Path = _CLONE) -> str:
    """Return *text* with the commands it names as the caller can type them.

    Args:
        text: a message with commands such as ``python starter.py migrate``.
        argv: what was started; by default that of this process.
        clone: the folder of the library, where a clone has ``starter.py``.
    """
    program = Path(sys.argv[0] if argv is None else argv)
    has_application = (clone / "starter.py").is_file()
    if program.name == "memory-maintenance" and has_application:
        return _HINT.sub(lambda hint: "memory-maintenance" + " worker" * (hint[1] == "worker"), text)
    if program.parts[-2:] == ("memory_maintenance", "__main__.py") or not has_application:
        name = "memory-maintenance" if program.name == "memory-maintenance" else "python -m memory_maintenance"
        text = _OF_THE_LIBRARY.sub(rf"{name} --\1", text)
        lacks_one = not has_application and _HINT.search(text) and _ELSEWHERE not in text
        return text + _ELSEWHERE if lacks_one else text
    return text
