"""Which ``.env`` is read: the one in the current folder, else the one beside the program."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from memory_maintenance.errors import SettingsError

NAME: Final = ".env"

PROGRAM: Final = Path(__file__).parents[2]
"""The folder of ``worker.py`` and ``starter.py``. A systemd unit or a line of cron starts them from elsewhere."""


def env_file() -> Path | None:
    """Return the file to read, or None where no file is found.

    Raises:
        SettingsError: both are there and say different things, or one cannot be read.
    """
    here, beside = Path(NAME).absolute(), PROGRAM / NAME
    found = [path for path in (here, beside) if path.is_file()]
    if len(found) == 2 and not here.samefile(beside):  # noqa: PLR2004
        ours, others = _values(here), _values(beside)
        differing = sorted(name for name in ours.keys() | others.keys() if ours.get(name) != others.get(name))
        if differing:
            raise SettingsError(
                f"settings: {here} and {beside} differ in {', '.join(differing)}: keep one of them, or make one a "
                "symbolic link to the other"
            )
    for path in found:
        _values(path)
    return found[0] if found else None


def names_in_env_file() -> set[str]:
    """Return the names that the file sets, ours or not."""
    path = env_file()
    return set(_values(path)) if path else set()


def _values(path: Path) -> dict[str, str | None]:
    try:
        return dotenv_values(path, encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"settings: {path} is not UTF-8, see line {line}: save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"settings: {path} cannot be read: {error.strerror}") from None
